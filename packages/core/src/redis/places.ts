import { labelValue } from '../labels.ts';
import { key } from './keys.ts';
import { CLAIM_FUNCTIONS, MEMORY_FIELDS } from './memory.ts';

/**
 * The places of unfinished Jobs, so that the limits hold over all workers. Sorted sets:
 *
 * | key | member | score |
 * |---|---|---|
 * | places | Job that is unfinished or about to be created, see {@link placeOf} | when its place was taken |
 * | places:<operarius> | the same, of one operarius | the same |
 * | waiting | remediation held by the limit over all | when it was received |
 * | waiting:<operarius> | remediation held by the limit of its operarius | the same |
 * | held:<reason> | remediation that is held | when it is looked at next |
 * | held-since:<reason> | the same, and some that no longer are | since when it is held |
 *
 * Those held for another reason are in no waiting set: time alone sets them free.
 * All times in milliseconds by Redis' clock. A place belongs to a Job's name, not to a worker: it
 * does not matter who takes it, or how often. No key expires: what a crash leaves behind is put
 * right from the watch of the Jobs. The watch knows an operarius by the Job's label, which is cut and
 * hashed where the name is long: so are the keys.
 */
export const placesKey = (prefix: string): string => key(prefix, 'places');
export const placesOfKey = (prefix: string, operarius: string): string =>
  key(prefix, 'places', labelValue(operarius));
export const waitingKey = (prefix: string): string => key(prefix, 'waiting');
export const waitingOfKey = (prefix: string, operarius: string): string =>
  key(prefix, 'waiting', labelValue(operarius));
const heldKey = (prefix: string, reason: string): string => key(prefix, 'held', reason);

const heldSinceKey = (prefix: string, reason: string): string => key(prefix, 'held-since', reason);

/** A Job's member in the sets: neither name can hold a slash. */
export const placeOf = (operarius: string, job: string): string =>
  `${labelValue(operarius)}/${job}`;

/** The operarius of a member, as its Job's label spells it. */
export const operariusOf = (place: string): string => place.slice(0, place.indexOf('/'));

/** The Job of a member. */
export const jobOf = (place: string): string => place.slice(place.indexOf('/') + 1);

/** Pops the remediation that waits longest in a set; nil where none does. */
const NEXT = `
local function nextOf(key) return redis.call('ZPOPMIN', key)[1] end
`;

/**
 * Takes a place for a Job and claims its trouble, at the last moment before the create: puts the
 * remediation among those that wait for a place, or takes both, and keeps the Job's name in its payload.
 * With no limit (0) there are no places, but the claim is taken all the same. Taken again, both count
 * as just taken.
 *
 * It also looks: most troubles have no Job yet, and need no other command.
 *
 * KEYS places, places:<operarius>, waiting, waiting:<operarius>, the memory of the trouble, its claim,
 * BullMQ's hash of the remediation, its lock, the state of the alert, the operarii that are stopped.
 * ARGV place, limit over all, limit of the operarius (0 = none), remediation, received at, episode,
 * count, job, the remembered Job that was decided on (or ''), the expired claim whose Job is known not
 * to exist (or ''), token of the lock, the payload if it names a Job already (or ''), life of a claim,
 * life of its string, the operarius.
 * Returns {what was got, and the answer of LOOK}, the former being {'taken'}, or why not:
 *   {'lost'}: the remediation is another worker's
 *   {'changed'}: another Job is remembered by now
 *   {'claimed'}: another remediation of the trouble is about to create its Job
 *   {'expired', claim}: it was, and nobody knows whether it did
 *   {'max-active-jobs'}
 *   {'max-active', the remediation to be looked at in its stead or ''}: a place over all that this one
 *     was called for, and cannot use, is another operarius'
 */
export const TAKE_PLACE = `${NEXT}${CLAIM_FUNCTIONS}
local time = redis.call('TIME')
local memory = redis.call('HMGET', KEYS[5], ${MEMORY_FIELDS})
local function whyNot(now)
  if redis.call('GET', KEYS[8]) ~= ARGV[11] then return {'lost'} end
  if (memory[4] or '') ~= ARGV[9] then return {'changed'} end
  local claim, text = claimIn(KEYS[6])
  if claim and claim[4] ~= ARGV[4] then
    -- Either way: Redis' clock can be set back.
    if math.abs(now - claim[5]) < tonumber(ARGV[13]) then return {'claimed'} end
    if text ~= ARGV[10] then return {'expired', text} end
  end
  local place, all, own = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
  if all == 0 and own == 0 then return nil end
  if not redis.call('ZSCORE', KEYS[1], place) then
    local full = all > 0 and redis.call('ZCARD', KEYS[1]) >= all
    if own > 0 and redis.call('ZCARD', KEYS[2]) >= own then
      redis.call('ZADD', KEYS[4], ARGV[5], ARGV[4])
      return {'max-active', not full and nextOf(KEYS[3]) or ''}
    end
    if full then
      redis.call('ZADD', KEYS[3], ARGV[5], ARGV[4])
      return {'max-active-jobs'}
    end
  end
  redis.call('ZADD', KEYS[1], now, place)
  redis.call('ZADD', KEYS[2], now, place)
end
-- Where the payload names no Job yet, the name goes in front of all that it holds.
local function named(data, job)
  local rest = string.gsub(data, '^{"job":"[a-z0-9-]*",', '{', 1)
  return '{"job":"' .. job .. '",' .. string.sub(rest, 2)
end
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local taken = whyNot(now)
if not taken then
  local claim = cjson.encode({ARGV[6], ARGV[7], ARGV[8], ARGV[4], string.format('%.0f', now)})
  redis.call('SET', KEYS[6], claim, 'PX', ARGV[14])
  local data = redis.call('HGET', KEYS[7], 'data')
  if data then
    redis.call('HSET', KEYS[7], 'data', ARGV[12] ~= '' and ARGV[12] or named(data, ARGV[8]))
  end
  taken = {'taken'}
end
return {taken, redis.call('GET', KEYS[9]), memory, redis.call('HGET', KEYS[10], ARGV[15]), time[1], time[2]}
`;

/**
 * Gives a Job's place back.
 *
 * KEYS as of TAKE_PLACE; ARGV place.
 * Returns the remediation that should be looked at now (longest waiting first), or ''. Nothing where
 * the Job had no place: then none becomes free.
 */
export const RELEASE_PLACE = `${NEXT}
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return '' end
return nextOf(KEYS[4]) or nextOf(KEYS[3]) or ''
`;

/**
 * The next to be looked at, where the one before could not be. KEYS as of TAKE_PLACE.
 * Returns it, or ''.
 */
export const NEXT_WAITING = `${NEXT}
return nextOf(KEYS[4]) or nextOf(KEYS[3]) or ''
`;

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
