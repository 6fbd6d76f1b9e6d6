import { key } from './keys.ts';

/**
 * How the runs of an operarius went. Whether it is stopped for that: stopped.ts. What is judged later: effects.ts.
 *
 * | key | shape | holds |
 * |---|---|---|
 * | verdicts:<operarius>:<definition> | sorted set | per run its {@link Verdict} and uid, by the Job's end (ms, the cluster's clock); the latest {@link MOST_VERDICTS} |
 */
export const verdictsKey = (prefix: string, operarius: string, definition: string): string =>
  key(prefix, 'verdicts', operarius, definition);

/**
 * A bad run: its Job failed, or the alert still fires. A good one. One that is not judged yet: it breaks a
 * row as a good one does, but does not forbid it when it is newer.
 */
export type Verdict = 'bad' | 'good' | 'pending';

const MARK: Readonly<Record<Verdict, string>> = { bad: 'b', good: 'g', pending: 'p' };

const MOST_VERDICTS = 500;

/** Milliseconds past the last run: 30 days. */
const VERDICTS_TTL = 30 * 24 * 3600 * 1000;

/** Effects that wait at once, 300 bytes each: what comes beyond is not judged. */
const MOST_EFFECTS = 50_000;

/**
 * Lua: stops an operarius where the unbroken row of bad runs around a bad one is long enough, and no good
 * run is newer. In the order of the Jobs' ends: an effect is known 15 minutes later than a failure, so
 * neither the order of arrival nor the last known ones tell how it goes.
 *
 * `tell` is called with the operarius' entry for the history. Returns the length of the row, or 0.
 */
export const STOP_FUNCTION = `
local function stopIfBad(verdicts, stopped, run, now, tell)
  if run.mark ~= 'b' or run.after == 0 then return 0 end
  local all, at = redis.call('ZRANGE', verdicts, 0, -1), nil
  for i, member in ipairs(all) do if member == 'b' .. run.uid then at = i end end
  if not at then return 0 end
  local first, last = at, at
  while first > 1 and string.sub(all[first - 1], 1, 1) == 'b' do first = first - 1 end
  while last < #all and string.sub(all[last + 1], 1, 1) == 'b' do last = last + 1 end
  local row = last - first + 1
  if row < run.after then return 0 end
  for i = last + 1, #all do if string.sub(all[i], 1, 1) == 'g' then return 0 end end
  local known = redis.call('HGET', stopped, run.operarius)
  local ok, before = pcall(cjson.decode, known or '')
  if ok and type(before) == 'table' and before.definition == run.definition then
    -- While it is stopped, nothing prolongs it.
    local till = tonumber(before['until'])
    if till and (till == 0 or till > now) then return 0 end
  end
  local till = run.lasts == 0 and 0 or now + run.lasts
  local state = string.format('"definition":%s,"until":%.0f,"row":%d,"at":%.0f}', cjson.encode(run.definition), till, row, now)
  redis.call('HSET', stopped, run.operarius, '{' .. state)
  tell('{"kind":"stopped","operarius":' .. cjson.encode(run.operarius) .. ',' .. state)
  return row
end
`;

/**
 * Lua for END_JOB: notes the verdict of a run whose Job has just ended, and has its effect judged later.
 * An end older than the stop lasts stops nothing: it is news of an outage.
 */
export const VERDICT_FUNCTIONS = `${STOP_FUNCTION}
local function noteVerdict(verdicts, stopped, effects, run, tell)
  if run.mark == '' then return 0 end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  if run.mark == 'p' then
    -- News of an outage: what is true of the alert by then says nothing about this run.
    local isOld = run.ended < now - 2 * run.within
    if not isOld and redis.call('ZCARD', effects) < ${MOST_EFFECTS} then
      local due = now + run.within
      local effect = string.format('{"due":%.0f,', due) .. string.sub(run.effect, 2)
      redis.call('ZADD', effects, string.format('%.0f', due), effect)
    else
      run.mark = 'g'
    end
  end
  redis.call('ZADD', verdicts, run.ended, run.mark .. run.uid)
  redis.call('ZREMRANGEBYRANK', verdicts, 0, -${MOST_VERDICTS + 1})
  redis.call('PEXPIRE', verdicts, ${VERDICTS_TTL})
  local recent = run.lasts == 0 and ${3_600_000} or run.lasts
  if run.ended < now - recent then return 0 end
  return stopIfBad(verdicts, stopped, run, now, tell)
end
`;

/** What a script needs of a run. */
export interface RunVerdict {
  readonly uid: string;
  readonly operarius: string;
  readonly definition: string;
  readonly verdict: Verdict;
  /** `stop-after`, and `stop-for` in milliseconds (0: until it is re-armed). */
  readonly stopAfter: number;
  readonly stopFor: number;
}

/** The ARGV of a run, in the order in which {@link RUN_OF} reads them. */
export const runArguments = (run: RunVerdict | undefined): (string | number)[] =>
  run === undefined
    ? ['', '', '', '', 0, 0]
    : [
        ...[MARK[run.verdict], run.uid, run.operarius, run.definition],
        ...[run.stopAfter, run.stopFor],
      ];

/** Lua: reads {@link runArguments} from an index of ARGV on. */
export const RUN_OF = `
local function runOf(i)
  return {mark = ARGV[i], uid = ARGV[i + 1], operarius = ARGV[i + 2], definition = ARGV[i + 3],
    after = tonumber(ARGV[i + 4]), lasts = tonumber(ARGV[i + 5])}
end
`;
