import type { Operarius } from '../operarius/operarius.ts';
import type { Look } from '../redis/memory.ts';
import type { Remediation } from '../redis/remediation.ts';
import { whyTooOften } from './repeats.ts';
import { whyStopped } from './stopped.ts';

/** What bears on whether an operarius may run once more. */
export interface RefusedFacts {
  readonly operarius: Operarius;
  readonly remediation: Pick<Remediation, 'retriedAt'>;
  readonly look: Pick<Look, 'stopped' | 'creations' | 'now'>;
}

interface RefusedStep {
  readonly name: 'stopped' | 'repeats';
  /** Undefined where it may. */
  why(facts: RefusedFacts): string | undefined;
  readonly otherwise: string;
}

/**
 * The steps that end a remediation as `stopped`, in their order: the worker walks them, and
 * `openfero explain` prints them.
 */
export const REFUSED_STEPS: readonly RefusedStep[] = [
  {
    name: 'stopped',
    why: ({ operarius, look }) => whyStopped(look.stopped, operarius, look.now),
    otherwise: 'bad runs have not stopped the operarius',
  },
  {
    name: 'repeats',
    // Unless a person wants it.
    why: ({ operarius, look, remediation }) =>
      remediation.retriedAt === undefined ? whyTooOften(look, operarius.policy) : undefined,
    otherwise: 'the problem does not come back too often',
  },
];

/** Why an operarius may not run once more; undefined where it may. */
export function whyRefused(facts: RefusedFacts): string | undefined {
  for (const step of REFUSED_STEPS) {
    const reason = step.why(facts);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
