import type { Alert } from '../alert.ts';
import type { Operarius } from '../operarius/operarius.ts';
import type { Outcome } from '../outcome.ts';
import type { OperariusRegistry } from './registry.ts';

/** What bears on whether an alert should run an operarius at all. */
export interface WantedFacts {
  readonly alert: Alert;
  readonly operarius: Operarius;
  readonly registry: OperariusRegistry;
  readonly jobNamespace: string;
}

/** What a step found: the end of the remediation, or in words why it goes on. */
export type StepResult =
  | { readonly kind: 'ends'; readonly outcome: Outcome; readonly reason: string }
  | { readonly kind: 'passes'; readonly reason: string };

interface WantedStep {
  readonly name: 'mode' | 'own job' | 'match';
  decide(facts: WantedFacts): StepResult;
}

/**
 * The steps between the definition and the clock, in their order: the worker walks them, and
 * `openfero explain` prints them.
 */
export const WANTED_STEPS: readonly WantedStep[] = [
  {
    name: 'mode',
    decide({ operarius, registry }) {
      const mode = registry.modeOf(operarius);
      return mode === 'off'
        ? { kind: 'ends', outcome: 'off', reason: registry.whyOff(operarius) }
        : { kind: 'passes', reason: `the mode is ${mode}` };
    },
  },
  {
    name: 'own job',
    decide({ alert, operarius, registry, jobNamespace }) {
      if (operarius.policy.ownJobs)
        return { kind: 'passes', reason: 'openfero.io/own-jobs is true' };
      const job = registry.ownJobOf(alert, jobNamespace);
      return job === undefined
        ? { kind: 'passes', reason: 'the alert is about no Job of OpenFero' }
        : {
            kind: 'ends',
            outcome: 'own-job',
            reason: `the alert is about ${job}, which OpenFero created`,
          };
    },
  },
  {
    name: 'match',
    decide({ alert, operarius, registry }) {
      const mismatch = registry.mismatch(operarius, alert);
      if (mismatch !== undefined) return { kind: 'ends', outcome: 'not-matched', reason: mismatch };
      const { match } = operarius.policy;
      const reason = match.length === 0 ? 'every alert matches' : 'the alert matches';
      return { kind: 'passes', reason };
    },
  },
];

/** The end of a remediation that is not wanted; undefined where it is. */
export function whyUnwanted(facts: WantedFacts): Extract<StepResult, { kind: 'ends' }> | undefined {
  for (const step of WANTED_STEPS) {
    const result = step.decide(facts);
    if (result.kind === 'ends') return result;
  }
  return undefined;
}
