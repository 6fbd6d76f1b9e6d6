import { key } from './keys.ts';
import { ENDED_COUNT, QUEUE } from './remediation.ts';

/**
 * How long ended remediations stay, for people. BullMQ removes them only when others end: in a Redis
 * that is full of ended ones nothing can end, and it would refuse for ever. So workers remove them, too,
 * in scripts that need no memory.
 */
export interface Retention {
  /** BullMQ's sorted set: its members are remediations, their scores when they ended. */
  readonly state: 'completed' | 'failed';
  /** Milliseconds, by Redis' clock: a worker whose clock is days ahead removes nothing of others. */
  readonly age: number;
  readonly count: number;
}

const DAY = 24 * 3600 * 1000;

export const RETENTIONS: readonly Retention[] = [
  { state: 'completed', age: DAY, count: ENDED_COUNT },
  { state: 'failed', age: 7 * DAY, count: ENDED_COUNT },
];

/**
 * The part of maxmemory that each of the two may take. Together a quarter: the receiver accepts alerts
 * up to three quarters, so that two quarters are left for what waits. Of the 256 MiB of
 * deploy/kubernetes it is 32 MiB, where 10,000 ended remediations of 1 KiB take 26 MiB.
 */
const ENDED_SHARE = 1 / 8;

/** Bytes, where Redis has no maxmemory. */
const ENDED_WITHOUT_MAXMEMORY = 256 * 1024 * 1024;

/** @param maxmemory of Redis in bytes, 0 for none @returns the bytes that one state may take */
export function endedLimit(maxmemory: number): number {
  return maxmemory === 0 ? ENDED_WITHOUT_MAXMEMORY : Math.floor(maxmemory * ENDED_SHARE);
}

/** Remediations per call of the scripts: 2 ms, in which Redis does nothing else. */
export const ENDED_CHUNK = 500;

/**
 * What BullMQ's other fields, the keys and the sorted set take, in bytes. Measured: a remediation with a
 * payload of 665 bytes and a result of 130 took 2,430 when it had ended (Redis 7.0).
 */
const OVERHEAD = 1_600;

/** KEYS of both scripts. */
export const endedKeys = (prefix: string, state: Retention['state']): string[] => [
  key(prefix, QUEUE, state),
];

/** ARGV[1] of both scripts: what the keys of remediations begin with. */
export const remediationPrefix = (prefix: string): string => key(prefix, QUEUE, '');

/**
 * Counts how many ended remediations, the newest first, fit into a number of bytes.
 *
 * KEYS[1] the sorted set. ARGV: the keys' beginning, the rank to begin at, how many to look at, the
 * bytes. Returns {how many fit, the bytes that are left}, of which -1 means that one did not fit.
 */
export const WEIGH_ENDED = `
local first, left = tonumber(ARGV[2]), tonumber(ARGV[4])
local ids = redis.call('ZREVRANGE', KEYS[1], first, first + ARGV[3] - 1)
for i, id in ipairs(ids) do
  local size = ${OVERHEAD}
  for _, field in ipairs({'data', 'returnvalue', 'stacktrace', 'failedReason'}) do
    size = size + redis.call('HSTRLEN', ARGV[1] .. id, field)
  end
  if size > left then return {i - 1, -1} end
  left = left - size
end
return {#ids, left}
`;

/**
 * Removes ended remediations: the oldest beyond a number, else those that are too old.
 *
 * KEYS[1] the sorted set. ARGV: the keys' beginning, how many may stay, their greatest age in
 * milliseconds, how many to remove at most. Returns how many it removed.
 */
export const TRIM_ENDED = `
local excess = redis.call('ZCARD', KEYS[1]) - ARGV[2]
local most = tonumber(ARGV[4])
local ids
if excess > 0 then
  ids = redis.call('ZRANGE', KEYS[1], 0, math.min(excess, most) - 1)
else
  local oldest = redis.call('TIME')[1] * 1000 - ARGV[3]
  ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', oldest), 'LIMIT', 0, most)
end
for _, id in ipairs(ids) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('DEL', ARGV[1] .. id, ARGV[1] .. id .. ':logs')
end
return #ids
`;

export interface Weight {
  readonly fit: number;
  /** Bytes; undefined where one did not fit. */
  readonly left: number | undefined;
}

/** Reads the answer of {@link WEIGH_ENDED}. @throws where it is none */
export function readWeight(answer: unknown): Weight {
  const [fit, left] = Array.isArray(answer) ? answer : [];
  if (typeof fit === 'number' && typeof left === 'number') {
    return { fit, left: left < 0 ? undefined : left };
  }
  throw new Error('the script that weighs ended remediations answered nonsense');
}
