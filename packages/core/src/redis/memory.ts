import type { Instant } from '../instant.ts';
import { key } from './keys.ts';
import { readState, type State } from './states.ts';

/**
 * What Redis remembers of one trouble (see identity/trouble.ts): the latest episode that got a Job. A hash:
 *
 * | field | holds |
 * |---|---|
 * | episode | the episode's instant |
 * | count | how often `repeat-after` has repeated it |
 * | remediation | the UUID of the remediation that created the Job |
 * | job | the Job's name |
 * | createdAt | milliseconds since 1970, by Redis' clock |
 *
 * It lives {@link MEMORY_TTL} past its last sighting.
 */
export interface Memory {
  readonly episode: { readonly instant: Instant; readonly count: number };
  readonly remediation: string;
  readonly job: string;
  readonly createdAt: number;
}

/**
 * Milliseconds: 8 days. Twice the longest `repeat_interval` in common use is far below it, and a
 * Job that failed on Friday is still known on the Monday after next.
 */
export const MEMORY_TTL = 8 * 24 * 3600 * 1000;

export const memoryKey = (prefix: string, troubleKey: string): string =>
  key(prefix, 'memory', troubleKey);

/** Reads the fields in the order of the table; undefined where nothing, or nothing whole, is remembered. */
function readMemory(fields: unknown): Memory | undefined {
  const [instant, count, remediation, job, createdAt] = texts(fields);
  if (!instant || !remediation || !job) return undefined;
  const numbers = { count: Number(count), createdAt: Number(createdAt) };
  if (!Number.isInteger(numbers.count) || !Number.isFinite(numbers.createdAt)) return undefined;
  return {
    episode: { instant, count: numbers.count },
    remediation,
    job,
    createdAt: numbers.createdAt,
  };
}

/**
 * Writes a memory unless a later episode is remembered already: a worker that was paused must not
 * make the system forget.
 *
 * KEYS[1] the memory; ARGV episode, count, remediation, job, createdAt, ttl in milliseconds.
 */
export const REMEMBER = `
local known = redis.call('HMGET', KEYS[1], 'episode', 'count')
local count = tonumber(ARGV[2])
if known[1] then
  local knownCount = tonumber(known[2]) or 0
  if known[1] > ARGV[1] or (known[1] == ARGV[1] and knownCount > count) then return 0 end
end
redis.call('HSET', KEYS[1], 'episode', ARGV[1], 'count', ARGV[2], 'remediation', ARGV[3],
  'job', ARGV[4], 'createdAt', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 1
`;

/**
 * What bears on one remediation, at one instant of Redis' clock, in one command.
 *
 * KEYS[1] the state of its alert, KEYS[2] the memory of its trouble.
 */
export const LOOK = `
local time = redis.call('TIME')
local memory = redis.call('HMGET', KEYS[2], 'episode', 'count', 'remediation', 'job', 'createdAt')
return {redis.call('GET', KEYS[1]), memory, time[1], time[2]}
`;

/** What {@link LOOK} has seen. */
export interface Look {
  /** The latest received state of the alert, by its fingerprint. */
  readonly state: State | undefined;
  readonly memory: Memory | undefined;
  /** Milliseconds since 1970, by Redis' clock: the clock of every decision about time. */
  readonly now: number;
}

/** Reads the answer of {@link LOOK} as hostile input. */
export function readLook(answer: unknown): Look {
  const [state, memory, ...time] = Array.isArray(answer) ? answer : [];
  return { state: readState(textOf(state)), memory: readMemory(memory), now: readTime(time) };
}

/** Milliseconds since 1970, from the two numbers that TIME answers. @throws where they are none */
export function readTime(answer: unknown): number {
  const [seconds, micros] = Array.isArray(answer) ? answer : [];
  const now = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  if (!(now > 0)) throw new Error('Redis tells no time');
  return now;
}

function texts(values: unknown): (string | undefined)[] {
  return Array.isArray(values) ? values.map(textOf) : [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
