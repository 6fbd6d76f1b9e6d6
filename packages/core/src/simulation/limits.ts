import { limitReached, type Reached } from '../decisions/limits.ts';
import { targetOf } from '../identity/target.ts';
import { repeatsText } from '../operarius/policy-texts.ts';
import { type Attempt, asks } from './attempt.ts';

/** Milliseconds until a remediation without a place is tried again, as the worker does. */
const PLACE_RETRY = 15_000;

export function isLimited(attempt: Attempt): boolean {
  const { remediation, operarius, facts, walk } = attempt;
  const { settings, counts, now } = facts;
  const { name, policy } = operarius;
  const target = targetOf(remediation.alert, policy);
  const holder = target && facts.holderOf(target.digest);
  const needs = { operarius, asks: asks(attempt), isBusy: holder !== undefined };
  const reached = limitReached(needs, settings, counts);
  const own = counts.unfinished(name);
  const all = counts.unfinished();
  if (reached === undefined) {
    walk.passes('limits', `${own} of its Jobs and ${all} of all have not ended`);
    return false;
  }
  const texts = {
    'max-runs': () => (reached.reason === 'max-runs' ? whyNotMore(reached) : ''),
    target: () => `Job ${holder} works on target ${target?.text}, and has not ended`,
    'max-active': () => `max-active is ${policy.maxActive}, and ${own} of its Jobs have not ended`,
    'max-active-jobs': () =>
      `OPENFERO_MAX_ACTIVE_JOBS is ${settings.maxActiveJobs}, and ${all} Jobs have not ended`,
  };
  const { reason } = reached;
  walk.decides('limits', { kind: 'hold', reason, until: now + PLACE_RETRY, text: texts[reason]() });
  return true;
}

function whyNotMore({ runs, ofAll }: Extract<Reached, { reason: 'max-runs' }>): string {
  const limit = ofAll ? 'OPENFERO_MAX_RUNS' : 'max-runs';
  return `${limit} is ${repeatsText(runs)}, and so many Jobs were started in that time`;
}
