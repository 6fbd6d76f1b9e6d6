import { formatDuration } from '../duration.ts';
import { formatMatchers } from '../matchers/matchers.ts';
import type { Policy } from './policy.ts';
import { ANNOTATION_PREFIX, POLICY_ANNOTATIONS } from './policy-names.ts';

/** A policy as its annotations would say it, by their names: `cooldown` `10m`. */
export function policyTexts(policy: Policy): Readonly<Record<string, string>> {
  const texts: readonly (readonly [field: keyof Policy, text: string])[] = [
    ['dedupBy', policy.dedupBy],
    ['cooldown', formatDuration(policy.cooldown)],
    ['repeatAfter', durationText(policy.repeatAfter)],
    ['maxAge', formatDuration(policy.maxAge)],
    ['maxActive', String(policy.maxActive)],
    ['maxRuns', repeatsText(policy.maxRuns)],
    ['target', policy.target.join(',')],
    ['mode', policy.mode],
    ['approvalTimeout', formatDuration(policy.approvalTimeout)],
    ['match', formatMatchers(policy.match)],
    ['runIfResolved', String(policy.runIfResolved)],
    ['ownJobs', String(policy.ownJobs)],
    ['onlyAfterFiring', String(policy.onlyAfterFiring)],
    ['maxRepeats', repeatsText(policy.maxRepeats)],
    ['effectWithin', durationText(policy.effectWithin)],
    ['stopAfter', String(policy.stopAfter)],
    ['stopFor', durationText(policy.stopFor)],
  ];
  return Object.fromEntries(
    texts.map(([field, text]) => [POLICY_ANNOTATIONS[field].slice(ANNOTATION_PREFIX.length), text]),
  );
}

/** As the annotation says it: `5/1d`. */
export const repeatsText = (repeats: Policy['maxRepeats']): string =>
  repeats === 'none' ? repeats : `${repeats.count}/${formatDuration(repeats.within)}`;

const durationText = (duration: number | string): string =>
  typeof duration === 'number' ? formatDuration(duration) : duration;
