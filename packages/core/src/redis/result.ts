import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { FAILURES, type Failure, OUTCOMES, type Result } from '../outcome.ts';

const ResultSchema = Compile(
  Type.Object({
    outcome: Type.Enum([...OUTCOMES]),
    operarius: Type.String(),
    reason: Type.String(),
    job: Type.Optional(Type.String()),
    definition: Type.Optional(Type.String()),
    warnings: Type.Optional(Type.Array(Type.String())),
  }),
);

/** Reads what a worker left as BullMQ's result of a remediation. Undefined where it is none. */
export function readResult(value: unknown): Result | undefined {
  return ResultSchema.Check(value) ? value : undefined;
}

/** What BullMQ's failed set shows of a remediation: {@link readFailure} reads it. */
export const failureText = (failure: Failure, message: string): string => `${failure}: ${message}`;

/** Undefined where BullMQ failed it by itself. */
export function readFailure(text: string): { failure: Failure; message: string } | undefined {
  const failure = FAILURES.find((known) => text.startsWith(failureText(known, '')));
  return failure && { failure, message: text.slice(failureText(failure, '').length) };
}
