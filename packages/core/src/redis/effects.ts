import { APPEND_FUNCTION, appendKeys } from './history.ts';
import { readObject } from './json-object.ts';
import { key } from './keys.ts';
import {
  RAISE_BY_RUN_FUNCTION,
  type RaisedByRun,
  raisedByRunArguments,
  raisedKey,
} from './raised.ts';
import { stoppedKey } from './stopped.ts';
import { RUN_OF, type RunVerdict, runArguments, STOP_FUNCTION, verdictsKey } from './verdicts.ts';

/** A sorted set: {@link DueEffect}, JSON, by when it is looked at next (ms, Redis' clock). */
export const effectsKey = (prefix: string): string => key(prefix, 'effects');

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
  const value = readObject(text);
  return isDueEffect(value) ? value : undefined;
}

function isDueEffect(value: object): value is DueEffect {
  const fields = new Map<string, unknown>(Object.entries(value));
  return (
    DUE_TEXTS.every((name) => typeof fields.get(name) === 'string') &&
    DUE_NUMBERS.every((name) => Number.isFinite(fields.get(name)))
  );
}

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
