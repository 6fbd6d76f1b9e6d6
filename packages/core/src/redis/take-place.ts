import { limitFunctions } from './limits.ts';
import { CLAIM_FUNCTIONS, MEMORY_FIELDS } from './memory.ts';
import { JOB_FIELD, NEXT, RELEASE_FUNCTION } from './places.ts';

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
 * to exist (or ''), token of the lock, the operarius, life of a claim, life of its string, '1' where its Job
 * waits for a person: that has no place over all. Then those of {@link limitFunctions}, if it has such limits.
 * Returns {what was got, and the answer of LOOK}, the former being {'taken'}, or why not:
 *   {'lost'}: the remediation is another worker's
 *   {'changed'}: another Job is remembered by now
 *   {'claimed'}: another remediation of the trouble is about to create its Job
 *   {'expired', claim}: it was, and nobody knows whether it did
 *   {'max-runs' or 'target' or 'target-lost' or 'max-active' or 'max-active-jobs', the remediations to be
 *     looked at in its stead}: this one may have been called for what it cannot use
 */
export const TAKE_PLACE = `${NEXT}${CLAIM_FUNCTIONS}${limitFunctions(11, 16)}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local memory = redis.call('HMGET', KEYS[5], ${MEMORY_FIELDS})
local place, all, own, asks = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[15] == '1'
local function whyNotClaimed()
  if redis.call('GET', KEYS[8]) ~= ARGV[11] then return {'lost'} end
  if (memory[4] or '') ~= ARGV[9] then return {'changed'} end
  local claim, text = claimIn(KEYS[6])
  if claim and claim[4] ~= ARGV[4] then
    -- Either way: Redis' clock can be set back.
    if math.abs(now - claim[5]) < tonumber(ARGV[13]) then return {'claimed'} end
    if text ~= ARGV[10] then return {'expired', text} end
  end
end
local function hold(reason, waiting, ...)
  if waiting then redis.call('ZADD', waiting, ARGV[5], ARGV[4]) end
  local held = {reason}
  for _, key in ipairs({...}) do held[#held + 1] = key and nextOf(key) or nil end
  return held
end
local function whyHeld()
  local hasPlace = all + own > 0 and redis.call('ZSCORE', KEYS[1], place)
  local allFull = not hasPlace and not asks and all > 0 and redis.call('ZCOUNT', KEYS[1], 0, '+inf') >= all
  local ownFull = not hasPlace and own > 0 and redis.call('ZCARD', KEYS[2]) >= own
  local spent = ARGV[16] and runsUsedUp(now)
  local work = ARGV[16] and stateOfTarget() or ''
  local forAll, forTarget = not allFull and KEYS[3], work == 'free' and KEYS[14]
  if spent then
    -- Over all: nobody else can be started either.
    if spent.ofAll then return {'max-runs'} end
    return hold('max-runs', nil, forAll, forTarget)
  end
  if work == 'lost' then return hold('target-lost', KEYS[14], forAll) end
  if work == 'taken' then return hold('target', KEYS[14], not allFull and not ownFull and KEYS[4], forAll) end
  if ownFull then return hold('max-active', KEYS[4], forAll, forTarget) end
  if allFull then return hold('max-active-jobs', KEYS[3]) end
end
local taken = whyNotClaimed() or whyHeld()
if not taken then
  if all + own > 0 then
    redis.call('ZADD', KEYS[1], asks and -now or now, place)
    redis.call('ZADD', KEYS[2], now, place)
  end
  if ARGV[16] then startRun(now) end
  local claim = cjson.encode({ARGV[6], ARGV[7], ARGV[8], ARGV[4], string.format('%.0f', now)})
  redis.call('SET', KEYS[6], claim, 'PX', ARGV[14])
  -- A person may have removed it: a hash of that field alone would stay for ever.
  if redis.call('EXISTS', KEYS[7]) == 1 then redis.call('HSET', KEYS[7], '${JOB_FIELD}', ARGV[8]) end
  taken = {'taken'}
end
return {taken, redis.call('GET', KEYS[9]), memory, redis.call('HGET', KEYS[10], ARGV[12]), time[1], time[2]}
`;

/**
 * Undoes {@link TAKE_PLACE} where no Job came of it, for certain: it was no run either. Only for the attempt
 * that has the remediation still: another attempt takes the same again, and may have created the Job by now.
 *
 * KEYS 1 to 4 of TAKE_PLACE, the claim, the lock of the remediation, runs, runs:<operarius>, targets,
 * waiting:target:<digest>; ARGV place, the target's digest or '', token of the lock, remediation.
 * Returns what `release` does.
 */
export const GIVE_BACK = `${RELEASE_FUNCTION}${CLAIM_FUNCTIONS}
if redis.call('GET', KEYS[6]) ~= ARGV[3] then return {} end
local claim = claimIn(KEYS[5])
if claim and claim[4] == ARGV[4] then redis.call('DEL', KEYS[5]) end
for i = 7, 8 do redis.call('ZREM', KEYS[i], ARGV[1]) end
return release(ARGV[1], ARGV[2], KEYS[9], KEYS[10])
`;
