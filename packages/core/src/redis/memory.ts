import type { Instant } from '../instant.ts';
import { key } from './keys.ts';

/**
 * What Redis remembers of one K (see identity.ts): the latest episode that got a Job. A hash:
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

export const memoryKey = (prefix: string, k: string): string => key(prefix, 'memory', k);

/** The order in which HMGET asks and {@link readMemory} reads. */
export const MEMORY_FIELDS = ['episode', 'count', 'remediation', 'job', 'createdAt'] as const;

/** Reads the answer of HMGET; undefined where nothing, or nothing whole, is remembered. */
export function readMemory(values: readonly (string | null)[]): Memory | undefined {
  const [instant, count, remediation, job, createdAt] = values;
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
