import { isObject } from '../kubernetes.ts';
import { APPEND_FUNCTION, appendKeys } from './history.ts';
import { key } from './keys.ts';
import {
  RAISE_BY_RUN_FUNCTION,
  type RaisedByRun,
  raisedByRunArguments,
  raisedKey,
} from './raised.ts';

/**
 * How the runs of an operarius went, and whether it is stopped for that.
 *
 * | key | shape | holds |
 * |---|---|---|
 * | verdicts:<operarius>:<definition> | sorted set | per run its {@link Verdict} and uid, by the Job's end (ms, the cluster's clock); the latest {@link MOST_VERDICTS} |
 * | stopped | hash | operarius to {@link Stopped}, JSON; lives as long as its ConfigMap |
 * | effects | sorted set | {@link DueEffect}, JSON, by when it is looked at next (ms, Redis' clock) |
 */
export const verdictsKey = (prefix: string, operarius: string, definition: string): string =>
  key(prefix, 'verdicts', operarius, definition);
export const stoppedKey = (prefix: string): string => key(prefix, 'stopped');
export const effectsKey = (prefix: string): string => key(prefix, 'effects');

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

/** An operarius that runs nothing for a while. Times in milliseconds, Redis' clock. */
export interface Stopped {
  /** Another definition is not stopped. */
  readonly definition: string;
  /** 0: until a person re-arms it. */
  readonly until: number;
  /** How many bad runs in a row stopped it. */
  readonly row: number;
  readonly at: number;
  /** Who re-armed it in the dashboard: `until` is over. A worker then tells it, and clears it away. */
  readonly by?: string;
}

/** Reads a field of `stopped` as hostile input. */
export function readStopped(text: unknown): Stopped | undefined {
  const { definition, until, row, at, by } = parse(text);
  if (typeof definition !== 'string' || typeof row !== 'number') return undefined;
  if (typeof until !== 'number' || typeof at !== 'number') return undefined;
  return { definition, until, row, at, ...(typeof by === 'string' && { by }) };
}

/** A run whose effect is judged at `due`: whether its alert has gone by then. */
export interface DueEffect {
  readonly uid: string;
  readonly job: string;
  readonly operarius: string;
  readonly definition: string;
  readonly alertname: string;
  readonly fingerprint: string;
  readonly startsAt: string;
  readonly remediation: string;
  /** When the Job ended: milliseconds, the cluster's clock. */
  readonly endedAt: number;
  /** `effect-within`: milliseconds. */
  readonly within: number;
  /** Milliseconds, Redis' clock. */
  readonly due: number;
}

const DUE_TEXTS = [
  ...(['uid', 'job', 'operarius', 'definition', 'alertname'] as const),
  ...(['fingerprint', 'startsAt', 'remediation'] as const),
];
const DUE_NUMBERS = ['endedAt', 'within', 'due'] as const;

/** Reads a member of `effects` as hostile input. */
export function readDueEffect(text: string): DueEffect | undefined {
  const value = parse(text);
  return isDueEffect(value) ? value : undefined;
}

function isDueEffect(value: object): value is DueEffect {
  const fields = new Map<string, unknown>(Object.entries(value));
  return (
    DUE_TEXTS.every((name) => typeof fields.get(name) === 'string') &&
    DUE_NUMBERS.every((name) => Number.isFinite(fields.get(name)))
  );
}

function parse(text: unknown): Readonly<Record<string, unknown>> {
  // Asked before each Job, and mostly there is none: an exception would cost a fiftieth of the worker's time.
  if (typeof text !== 'string') return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/**
 * Lua: stops an operarius where the unbroken row of bad runs around a bad one is long enough, and no good
 * run is newer. In the order of the Jobs' ends: an effect is known 15 minutes later than a failure, so
 * neither the order of arrival nor the last known ones tell how it goes.
 *
 * `tell` is called with the operarius' entry for the history. Returns the length of the row, or 0.
 */
const STOP_FUNCTION = `
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

/** Milliseconds for which a worker that judges an effect has it for itself. */
const EFFECT_LEASE = 60_000;

/** Effects that one call hands out: the worker asks again while there are more. */
export const EFFECTS_AT_ONCE = 100;

/**
 * Hands out effects that are due, and tells which operarii are stopped.
 *
 * KEYS effects, stopped. Returns {seconds, microseconds, {effect...}, {operarius, state, ...}}.
 */
export const TAKE_EFFECTS = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, ${EFFECTS_AT_ONCE})
for _, effect in ipairs(due) do
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + ${EFFECT_LEASE}), effect)
end
return {time[1], time[2], due, redis.call('HGETALL', KEYS[2])}
`;

/**
 * Settles the effect of a run, once over all workers: whoever removes it from those that are due.
 *
 * KEYS effects, verdicts, stopped, those of `append`, what is raised; ARGV the effect as it is in the set, the
 * field of `totals`, how many entries the history may have, the entry, {@link runArguments}, what it raises.
 * Returns {1 where this call settled it, the row that stopped the operarius or 0}.
 */
export const SETTLE_EFFECT = `${APPEND_FUNCTION}${STOP_FUNCTION}${RUN_OF}${RAISE_BY_RUN_FUNCTION}
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return {0, 0} end
local function tell(entry) append(KEYS[4], KEYS[5], KEYS[6], ARGV[3], entry) end
redis.call('HINCRBY', KEYS[6], ARGV[2], 1)
tell(ARGV[4])
local run, row = runOf(5), 0
local ended = redis.call('ZSCORE', KEYS[2], 'p' .. run.uid)
if ended then
  redis.call('ZREM', KEYS[2], 'p' .. run.uid)
  redis.call('ZADD', KEYS[2], ended, run.mark .. run.uid)
  local time = redis.call('TIME')
  row = stopIfBad(KEYS[2], KEYS[3], run, time[1] * 1000 + math.floor(time[2] / 1000), tell)
end
raiseByRun(KEYS[7], KEYS[6], 11, row)
return {1, row}
`;

/** KEYS and ARGV of {@link SETTLE_EFFECT}. */
export function settleArguments(
  prefix: string,
  {
    effect,
    field,
    count,
    entry,
    raised,
  }: Readonly<Record<'effect' | 'field' | 'entry', string>> & {
    readonly count: number;
    readonly raised?: RaisedByRun | undefined;
  },
  run: RunVerdict,
): { keys: string[]; args: (string | number)[] } {
  const verdicts = verdictsKey(prefix, run.operarius, run.definition);
  return {
    keys: [
      ...[effectsKey(prefix), verdicts, stoppedKey(prefix)],
      ...[...appendKeys(prefix), raisedKey(prefix)],
    ],
    args: [effect, field, count, entry, ...runArguments(run), ...raisedByRunArguments(raised)],
  };
}
