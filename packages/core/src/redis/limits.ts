import { labelValue } from '../labels.ts';
import { key } from './keys.ts';
import { HOLDER } from './targets.ts';

/**
 * The Jobs that were started lately, of all operarii and of one. Sorted sets: the member is a place, the score when it was taken
 * (milliseconds, Redis' clock). They live as long as the time that is counted.
 */
export const runKeys = (prefix: string, operarius: string): string[] => [
  key(prefix, 'runs'),
  key(prefix, 'runs', labelValue(operarius)),
];

/**
 * Lua for a script that starts Jobs: the limits that most operarii do not have. Their KEYS and ARGV follow its
 * own, and where there are none nothing of it runs: KEYS runs, runs:<operarius>, targets,
 * waiting:target:<digest>; ARGV the target's digest or '', for all and for the operarius how many runs (0 = no
 * limit) in how many milliseconds.
 *
 * @param key the first of these KEYS @param arg the first of these ARGV; ARGV[1] is the place
 */
export const limitFunctions = (key: number, arg: number): string => `${HOLDER}
local RUNS = {{key = ${key}, most = ${arg + 1}, ofAll = true}, {key = ${key + 1}, most = ${arg + 3}}}
local target, targets = ARGV[${arg}], KEYS[${key + 2}]
local function runsUsedUp(now)
  for _, run in ipairs(RUNS) do
    local set, most = KEYS[run.key], tonumber(ARGV[run.most])
    if most > 0 then
      redis.call('ZREMRANGEBYSCORE', set, '-inf', string.format('%.0f', now - ARGV[run.most + 1]))
      -- One that is started again is counted already.
      if redis.call('ZCARD', set) >= most and not redis.call('ZSCORE', set, ARGV[1]) then return run end
    end
  end
end
-- 'free', 'taken', or 'lost' where nobody knows; '' without a target.
local function stateOfTarget()
  if target == '' then return '' end
  local fields = redis.call('HMGET', targets, 'known', target)
  local holder = holderOf(fields[2])
  if holder == ARGV[1] then return 'free' end
  if not fields[1] then return 'lost' end
  return holder and 'taken' or 'free'
end
local function startRun(now)
  for _, run in ipairs(RUNS) do
    if tonumber(ARGV[run.most]) > 0 then
      redis.call('ZADD', KEYS[run.key], now, ARGV[1])
      redis.call('PEXPIRE', KEYS[run.key], ARGV[run.most + 1])
    end
  end
  if target ~= '' then
    redis.call('HSET', targets, target, string.format('%.0f', now) .. ' ' .. ARGV[1])
  end
end
`;
