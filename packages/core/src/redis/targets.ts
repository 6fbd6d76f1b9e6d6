import { key } from './keys.ts';

/**
 * What Jobs work on, so that no two work on the same at once.
 *
 * | key | shape | holds |
 * |---|---|---|
 * | targets | hash | a target's digest to `<when it was taken> <place of its Job>` |
 * | waiting:target:<digest> | sorted set | remediation held by its target, by when it was received |
 *
 * `targets` has one field more, `known`: all Jobs that exist have theirs. Where it is missing, Redis has
 * lost the hash or it is new, and `lost` tells since when. Until the Jobs are read again nobody knows what
 * is being worked on, so nothing with a target is started. All times in milliseconds by Redis' clock.
 */
export const targetsKey = (prefix: string): string => key(prefix, 'targets');
export const waitingForTargetKey = (prefix: string, target: string): string =>
  key(prefix, 'waiting', 'target', target);

/** Of a Job with a target: KEYS of the scripts that give it back. */
export const targetKeys = (prefix: string, target: string | undefined): string[] =>
  target === undefined ? [] : [targetsKey(prefix), waitingForTargetKey(prefix, target)];

/** Lua: the place that has a target, by its field. */
export const HOLDER = `
local function holderOf(field) return field and string.match(field, '^%d+ (.+)$') end
`;

/**
 * Corrects the targets from the Jobs that exist: takes those of Jobs that have none, and frees those of
 * Jobs that do not exist.
 *
 * KEYS targets; ARGV when the cluster said so, before when a target was taken whose Job it would know, then
 * of each unfinished Job with a target the digest and the place.
 * Returns {1 where all targets are known, the digests that became free}.
 */
export const CORRECT_TARGETS = `
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local before = tonumber(ARGV[2])
local known = redis.call('HEXISTS', KEYS[1], 'known')
if known == 0 then
  redis.call('HSETNX', KEYS[1], 'lost', now)
  -- A Job that was about to be created when Redis lost its target is in the cluster's answer by then.
  if tonumber(redis.call('HGET', KEYS[1], 'lost')) <= before then
    redis.call('HSET', KEYS[1], 'known', now)
    redis.call('HDEL', KEYS[1], 'lost')
    known = 1
  end
end
local unfinished = {}
for i = 3, #ARGV, 2 do
  unfinished[ARGV[i + 1]] = true
  redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[1] .. ' ' .. ARGV[i + 1])
end
local all, freed = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #all, 2 do
  local at, place = string.match(all[i + 1], '^(%d+) (.+)$')
  if place and not unfinished[place] and tonumber(at) < before then
    redis.call('HDEL', KEYS[1], all[i])
    freed[#freed + 1] = all[i]
  end
end
return {known, freed}
`;

/** Reads the answer of {@link CORRECT_TARGETS}. @throws where it is none */
export function readCorrected(answer: unknown): {
  readonly areKnown: boolean;
  readonly freed: readonly string[];
} {
  const [known, freed] = Array.isArray(answer) ? answer : [];
  if (!Array.isArray(freed)) throw new Error('the script that corrects targets answered nonsense');
  return { areKnown: known === 1, freed: freed.map(String) };
}

/** Who works on a target. */
export type TargetHolder =
  | { readonly kind: 'place'; readonly place: string }
  | { readonly kind: 'free' }
  /** Redis lost it, and the Jobs are not read yet. */
  | { readonly kind: 'unknown' };

/** Reads the fields `known` and the digest's of `targets`. */
export function readHolder([known, field]: readonly (string | null)[]): TargetHolder {
  const [, place] = /^\d+ (.+)$/.exec(field ?? '') ?? [];
  if (place !== undefined) return { kind: 'place', place };
  return known ? { kind: 'free' } : { kind: 'unknown' };
}
