import { CLAIM_FUNCTIONS, MEMORY_FIELDS } from './memory.ts';
import { JOB_FIELD, NEXT } from './places.ts';

/**
 * Takes a place for a Job and claims its trouble, at the last moment before the create: puts the
 * remediation among those that wait for a place, or takes both, and keeps the Job's name: {@link JOB_FIELD}.
 * With no limit (0) there are no places, but the claim is taken all the same. Taken again, both count
 * as just taken.
 *
 * It also looks: most troubles have no Job yet, and need no other command.
 *
 * KEYS places, places:<operarius>, waiting, waiting:<operarius>, the memory of the trouble, its claim,
 * BullMQ's hash of the remediation, its lock, the state of the alert, the operarii that are stopped.
 * ARGV place, limit over all, limit of the operarius (0 = none), remediation, received at, episode,
 * count, job, the remembered Job that was decided on (or ''), the expired claim whose Job is known not
 * to exist (or ''), token of the lock, the operarius, life of a claim, life of its
 * string, '1' where its Job waits for a person: that has no place over all.
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
  local place, all, own, asks = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[15] == '1'
  if all == 0 and own == 0 then return nil end
  if not redis.call('ZSCORE', KEYS[1], place) then
    local full = all > 0 and not asks and redis.call('ZCOUNT', KEYS[1], 0, '+inf') >= all
    if own > 0 and redis.call('ZCARD', KEYS[2]) >= own then
      redis.call('ZADD', KEYS[4], ARGV[5], ARGV[4])
      return {'max-active', not full and nextOf(KEYS[3]) or ''}
    end
    if full then
      redis.call('ZADD', KEYS[3], ARGV[5], ARGV[4])
      return {'max-active-jobs'}
    end
  end
  redis.call('ZADD', KEYS[1], asks and -now or now, place)
  redis.call('ZADD', KEYS[2], now, place)
end
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local taken = whyNot(now)
if not taken then
  local claim = cjson.encode({ARGV[6], ARGV[7], ARGV[8], ARGV[4], string.format('%.0f', now)})
  redis.call('SET', KEYS[6], claim, 'PX', ARGV[14])
  -- A person may have removed it: a hash of that field alone would stay for ever.
  if redis.call('EXISTS', KEYS[7]) == 1 then redis.call('HSET', KEYS[7], '${JOB_FIELD}', ARGV[8]) end
  taken = {'taken'}
end
return {taken, redis.call('GET', KEYS[9]), memory, redis.call('HGET', KEYS[10], ARGV[12]), time[1], time[2]}
`;
