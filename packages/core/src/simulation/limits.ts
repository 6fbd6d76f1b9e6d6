import { type Attempt, asks } from './attempt.ts';

/** Milliseconds until a remediation without a place is tried again, as the worker does. */
const PLACE_RETRY = 15_000;

/** The limit of the operarius counts before the one over all. */
export function isFull(attempt: Attempt): boolean {
  const { facts, walk } = attempt;
  const { name, policy } = attempt.operarius;
  const { settings, countUnfinished, now } = facts;
  const { maxActiveJobs } = settings;
  const until = now + PLACE_RETRY;
  const own = countUnfinished(name);
  const all = countUnfinished();
  if (policy.maxActive > 0 && own >= policy.maxActive) {
    const text = `max-active is ${policy.maxActive}, and ${own} of its Jobs have not ended`;
    walk.decides('limits', { kind: 'hold', reason: 'max-active', until, text });
    return true;
  }
  // One that waits for a person does not count over all.
  if (!asks(attempt) && maxActiveJobs > 0 && all >= maxActiveJobs) {
    const text = `OPENFERO_MAX_ACTIVE_JOBS is ${maxActiveJobs}, and ${all} Jobs have not ended`;
    walk.decides('limits', { kind: 'hold', reason: 'max-active-jobs', until, text });
    return true;
  }
  walk.passes('limits', `${own} of its Jobs and ${all} of all have not ended`);
  return false;
}
