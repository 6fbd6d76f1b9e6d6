import { key } from './keys.ts';

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
 *
 * Those held by `cooldown` are in no waiting set: time alone sets them free.
 * All times in milliseconds by Redis' clock. A place belongs to a Job's name, not to a worker: it
 * does not matter who takes it, or how often. No key expires: what a crash leaves behind is put
 * right from the watch of the Jobs.
 */
export const placesKey = (prefix: string): string => key(prefix, 'places');
export const placesOfKey = (prefix: string, operarius: string): string =>
  key(prefix, 'places', operarius);
export const waitingKey = (prefix: string): string => key(prefix, 'waiting');
export const waitingOfKey = (prefix: string, operarius: string): string =>
  key(prefix, 'waiting', operarius);
export const heldKey = (prefix: string, reason: string): string => key(prefix, 'held', reason);

/** A Job's member in the sets: neither name can hold a slash. */
export const placeOf = (operarius: string, job: string): string => `${operarius}/${job}`;

/** The operarius of a member. */
export const operariusOf = (place: string): string => place.slice(0, place.indexOf('/'));

/**
 * Takes a place for a Job, or puts the remediation among those that wait for one.
 *
 * KEYS places, places:<operarius>, waiting, waiting:<operarius>.
 * ARGV place, limit over all, limit of the operarius (0 = none), now, remediation, received at.
 * Returns '' or the reason why it is held.
 */
export const TAKE_PLACE = `
local place, all, own, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
if not redis.call('ZSCORE', KEYS[1], place) then
  if all > 0 and redis.call('ZCARD', KEYS[1]) >= all then
    redis.call('ZADD', KEYS[3], ARGV[6], ARGV[5])
    return 'max-active-jobs'
  end
  if own > 0 and redis.call('ZCARD', KEYS[2]) >= own then
    redis.call('ZADD', KEYS[4], ARGV[6], ARGV[5])
    return 'max-active'
  end
  redis.call('ZADD', KEYS[1], now, place)
  redis.call('ZADD', KEYS[2], now, place)
end
return ''
`;

/**
 * Gives a Job's place back.
 *
 * KEYS as of TAKE_PLACE; ARGV place.
 * Returns the remediation that should be looked at now (longest waiting first), or ''. Nothing where
 * the Job had no place: then nobody gains one.
 */
export const RELEASE_PLACE = `
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return '' end
local next = redis.call('ZPOPMIN', KEYS[4])
if #next == 0 then next = redis.call('ZPOPMIN', KEYS[3]) end
return next[1] or ''
`;
