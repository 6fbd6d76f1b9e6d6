import { limitFunctions } from './limits.ts';

/**
 * Takes for a Job that is released what others take before they are created: its place over all, its target,
 * and its run. One that a person has released with kubectl takes them whatever the limits say.
 *
 * KEYS places, decided:<uid>. ARGV place, limit over all (0 = none), '1' where it is released already. Then those
 * of {@link limitFunctions}, if it has such limits. Returns {'free', when it was taken}, or {what is in the way}:
 * 'max-active-jobs', 'max-runs', 'target', or 'target-lost' where nobody knows.
 */
export const TAKE_RELEASED = `${limitFunctions(3, 4)}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = string.format('%.0f', now)
local place, all, isReleased = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local score = redis.call('ZSCORE', KEYS[1], place)
local takesPlace = score and tonumber(score) < 0
local function whyNot()
  local work = target and stateOfTarget()
  if work == 'taken' then return 'target' end
  if work == 'lost' then return 'target-lost' end
  if target and runsUsedUp(now) then return 'max-runs' end
  if takesPlace and all > 0 and redis.call('ZCOUNT', KEYS[1], 0, '+inf') >= all then return 'max-active-jobs' end
end
-- A worker that has just started sees it released too; it began long ago.
if isReleased and redis.call('EXISTS', KEYS[2]) == 1 then return {'free', at} end
local obstacle = not isReleased and whyNot()
if obstacle then return {obstacle} end
if takesPlace then redis.call('ZADD', KEYS[1], now, place) end
if target then startRun(now) end
return {'free', at}
`;

/**
 * Undoes {@link TAKE_RELEASED} for a Job that the API server did not release: it waits again. What was taken
 * again since, by another worker that releases it too, stays.
 *
 * KEYS as of {@link TAKE_RELEASED}. ARGV place, when it was taken, the target's digest or ''.
 */
export const GIVE_BACK_RELEASED = `
local place, at, target = ARGV[1], ARGV[2], ARGV[3]
-- It is released after all, and has counted what it takes.
if redis.call('EXISTS', KEYS[2]) == 1 then return end
local function isOfThen(set) return redis.call('ZSCORE', set, place) == at end
if isOfThen(KEYS[1]) then redis.call('ZADD', KEYS[1], '-' .. at, place) end
if not KEYS[3] then return end
for i = 3, 4 do if isOfThen(KEYS[i]) then redis.call('ZREM', KEYS[i], place) end end
if target ~= '' and redis.call('HGET', KEYS[5], target) == at .. ' ' .. place then
  redis.call('HDEL', KEYS[5], target)
end
`;
