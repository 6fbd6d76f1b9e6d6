import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { key } from './keys.ts';

/**
 * Jobs that wait for a person, and what was decided about them:
 *
 * | key | shape | holds |
 * |---|---|---|
 * | asked | hash | uid of the Job to {@link Question}, JSON, until it is decided |
 * | approvals | hash | uid to {@link Wish}, JSON: what is to be carried out; until it is decided |
 * | decided:<uid> | string | {@link Decided}, JSON: what became of it; 8 days |
 *
 * The Job itself says whether it waits. So after a loss of Redis the questions are asked again from the watch;
 * only wishes that nobody has carried out are lost.
 */
export const askedKey = (prefix: string): string => key(prefix, 'asked');
export const approvalsKey = (prefix: string): string => key(prefix, 'approvals');
export const decidedKey = (prefix: string, uid: string): string => key(prefix, 'decided', uid);

/** What can become of a question: nobody answered, or its alert ended first. */
export const DECISIONS = ['approved', 'denied', 'lapsed', 'withdrawn'] as const;
export type Decision = (typeof DECISIONS)[number];

/** How a person decided. */
export const DECIDED_HOW = ['dashboard', 'kubectl'] as const;
export type DecidedHow = (typeof DECIDED_HOW)[number];

/** The end of year 9999. */
const Time = Type.Number({ minimum: 0, maximum: 253_402_300_799_999 });
const Decision = Type.Enum([...DECISIONS]);

const QuestionSchema = Type.Object({
  uid: Type.String({ minLength: 1 }),
  job: Type.String({ minLength: 1 }),
  operarius: Type.String(),
  alertname: Type.String(),
  fingerprint: Type.String(),
  startsAt: Type.String(),
  remediation: Type.String(),
  labels: Type.Unsafe<Readonly<Record<string, string>>>(
    Type.Object({}, { additionalProperties: Type.String() }),
  ),
  /** What the worker looked at before it created the Job, in words. */
  checked: Type.Array(Type.String()),
  /** The Job, YAML. */
  manifest: Type.String(),
  /** When it was asked, and until when it can be answered: milliseconds, Redis' clock. */
  at: Time,
  until: Time,
});

/** A Job that waits for a person. */
export type Question = Readonly<Static<typeof QuestionSchema>>;

const WishSchema = Type.Object({
  decision: Decision,
  /** Who; empty where OpenFero itself. */
  by: Type.String(),
  at: Time,
  /** What keeps it from being carried out. It is tried again until the question lapses. */
  obstacle: Type.Optional(Type.String()),
  /** Not before then: the API server has refused it. */
  retryAt: Type.Optional(Time),
});

/** What is to be done about a question. */
export type Wish = Readonly<Static<typeof WishSchema>>;

const DecidedSchema = Type.Object({
  decision: Decision,
  by: Type.String(),
  /** Absent where nobody decided. */
  how: Type.Optional(Type.Enum([...DECIDED_HOW])),
});

/** What became of a question, and by whom: empty where nobody knows. */
export type Decided = Readonly<Static<typeof DecidedSchema>>;

const question = Compile(QuestionSchema);
const wish = Compile(WishSchema);
const decided = Compile(DecidedSchema);

/** Reads a field of {@link askedKey} as hostile input. */
export function readQuestion(text: unknown): Question | undefined {
  const value = parse(text);
  return question.Check(value) ? value : undefined;
}

/** Reads a field of {@link approvalsKey} as hostile input. */
export function readWish(text: unknown): Wish | undefined {
  const value = parse(text);
  return wish.Check(value) ? value : undefined;
}

/** Reads {@link decidedKey} as hostile input. */
export function readDecided(text: unknown): Decided | undefined {
  const value = parse(text);
  return decided.Check(value) ? value : undefined;
}

function parse(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}
