import { APPEND_FUNCTION, appendKeys } from './history.ts';
import { type Stopped, stoppedKey } from './stopped.ts';
import { verdictsKey } from './verdicts.ts';

/**
 * Re-arms a stopped operarius, once over all workers.
 *
 * KEYS stopped, those of `append`; ARGV the operarius, its state as it is in the hash, how many entries the
 * history may have, the entry. Returns 1 where this call did it.
 */
export const REARM = `${APPEND_FUNCTION}
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
append(KEYS[2], KEYS[3], KEYS[4], ARGV[3], ARGV[4])
return 1
`;

/** KEYS and ARGV of {@link REARM}. */
export function rearmArguments(
  prefix: string,
  {
    operarius,
    state,
    count,
    entry,
  }: Readonly<Record<'operarius' | 'state' | 'entry', string>> & {
    readonly count: number;
  },
): { keys: string[]; args: (string | number)[] } {
  return {
    keys: [stoppedKey(prefix), ...appendKeys(prefix)],
    args: [operarius, state, count, entry],
  };
}

/**
 * Has a stopped operarius run again for a person: ends its stop, and forgets the runs that led to it. A worker
 * tells it later by {@link REARM}.
 *
 * KEYS stopped, verdicts; ARGV the operarius, its state as it is in the hash, its new state. Returns 1 where
 * this call did it.
 */
export const END_STOP = `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('DEL', KEYS[2])
return 1
`;

/** KEYS and ARGV of {@link END_STOP}. @param ended its new state */
export function endStopArguments(
  prefix: string,
  { operarius, state }: { readonly operarius: string; readonly state: string },
  ended: Stopped,
): { keys: string[]; args: string[] } {
  return {
    keys: [stoppedKey(prefix), verdictsKey(prefix, operarius, ended.definition)],
    args: [operarius, state, JSON.stringify(ended)],
  };
}
