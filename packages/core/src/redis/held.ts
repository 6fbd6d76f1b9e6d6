import { key } from './keys.ts';

/**
 * The remediations that are held. Sorted sets:
 *
 * | key | member | score |
 * |---|---|---|
 * | held:<reason> | remediation that is held | when it is looked at next |
 * | held-since:<reason> | the same, and some that no longer are | since when it is held |
 */
const heldKey = (prefix: string, reason: string): string => key(prefix, 'held', reason);

const heldSinceKey = (prefix: string, reason: string): string => key(prefix, 'held-since', reason);

/**
 * Notes that a remediation is held, once it is delayed.
 *
 * KEYS those of {@link heldKeys}, and where it waits for a place the set in which it does; ARGV remediation,
 * when it is looked at next, since when it is held.
 * Returns 'called' where a place was given back meanwhile: it was called for it before it was delayed,
 * and should be looked at now. Else 'held', or 'again' where it was noted already.
 */
export const HOLD = `
if KEYS[3] and not redis.call('ZSCORE', KEYS[3], ARGV[1]) then return 'called' end
redis.call('ZADD', KEYS[2], 'NX', ARGV[3], ARGV[1])
return redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1]) == 1 and 'held' or 'again'
`;

/** What holds the remediations that are held for a reason. */
export const heldKeys = (prefix: string, reason: string): [held: string, since: string] => [
  heldKey(prefix, reason),
  heldSinceKey(prefix, reason),
];

/** Milliseconds after its planned retry at which a held remediation counts as gone. */
const OVERDUE = 60_000;

/** Of those held no longer, how many one call forgets: the others are met by the next call. */
const FORGOTTEN_AT_ONCE = 1_000;

/**
 * Counts the remediations that are held for each of some reasons, and finds the oldest of each. A
 * remediation that a person removed never ends its own record: it is forgotten here.
 *
 * KEYS those of {@link heldKeys} for each reason. Returns for each {how many, milliseconds since the oldest
 * is held, or 0 where none is}.
 */
export const COUNT_HELD = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function oldest(held, since)
  for _ = 1, ${FORGOTTEN_AT_ONCE} do
    local first = redis.call('ZRANGE', since, 0, 0, 'WITHSCORES')
    if not first[1] then return 0 end
    if redis.call('ZSCORE', held, first[1]) then return math.max(0, now - first[2]) end
    redis.call('ZREM', since, first[1])
  end
  return 0
end
local counted = {}
for i = 1, #KEYS, 2 do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.0f', now - ${OVERDUE}))
  counted[#counted + 1] = {redis.call('ZCARD', KEYS[i]), oldest(KEYS[i], KEYS[i + 1])}
end
return counted
`;

/** How many are held for a reason, and for how long the oldest (milliseconds). */
export interface HeldCount {
  readonly count: number;
  readonly oldest: number;
}

/** Reads the answer of {@link COUNT_HELD}. @throws where it is none */
export function readHeldCounts(answer: unknown): readonly HeldCount[] {
  const all: unknown[] = Array.isArray(answer) ? answer : [];
  return all.map((each) => {
    const [count, oldest] = Array.isArray(each) ? each : [];
    if (typeof count === 'number' && typeof oldest === 'number') return { count, oldest };
    throw new Error('the script that counts what is held answered nonsense');
  });
}
