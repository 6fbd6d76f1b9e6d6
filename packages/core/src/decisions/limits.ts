import type { Policy } from '../operarius/policy.ts';
import type { Repeats } from '../operarius/policy-syntax.ts';

/** The limits over all operarii. */
export interface CommonLimits {
  /** OPENFERO_MAX_ACTIVE_JOBS; 0 is no limit. */
  readonly maxActiveJobs: number;
  /** OPENFERO_MAX_RUNS. */
  readonly maxRuns: Policy['maxRuns'];
}

/** What is counted when a Job is about to be created. Undefined: of all operarii. */
export interface Counts {
  readonly unfinished: (operarius?: string) => number;
  /** The Jobs that were started within so many milliseconds. */
  readonly started: (within: number, operarius?: string) => number;
}

/** The first limit that is reached, as TAKE_PLACE looks at them. */
export type Reached =
  | { readonly reason: 'max-runs'; readonly runs: Repeats; readonly ofAll: boolean }
  | { readonly reason: 'target' | 'max-active' | 'max-active-jobs' };

/** What a Job needs before it is created. */
export interface Needs {
  readonly operarius: { readonly name: string; readonly policy: Policy };
  /** It waits for a person: then it counts for `max-active` alone. */
  readonly asks: boolean;
  /** Another Job works on the same target. */
  readonly isBusy: boolean;
}

export function limitReached(
  { operarius: { name, policy }, asks, isBusy }: Needs,
  limits: CommonLimits,
  counts: Counts,
): Reached | undefined {
  const isOwnFull = isFull(policy.maxActive, counts.unfinished(name));
  if (asks) return isOwnFull ? { reason: 'max-active' } : undefined;
  const isSpent = (runs: Policy['maxRuns'], operarius?: string): runs is Repeats =>
    runs !== 'none' && counts.started(runs.within, operarius) >= runs.count;
  if (isSpent(limits.maxRuns)) return { reason: 'max-runs', runs: limits.maxRuns, ofAll: true };
  const { maxRuns: runs } = policy;
  if (isSpent(runs, name)) return { reason: 'max-runs', runs, ofAll: false };
  if (isBusy) return { reason: 'target' };
  if (isOwnFull) return { reason: 'max-active' };
  if (isFull(limits.maxActiveJobs, counts.unfinished())) return { reason: 'max-active-jobs' };
  return undefined;
}

/** 0 is no limit. */
export const isFull = (limit: number, count: number): boolean => limit > 0 && count >= limit;
