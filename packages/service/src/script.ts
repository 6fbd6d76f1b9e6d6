import { createHash } from 'node:crypto';
import type { RedisConnection } from './redis.ts';
import { redisFailureOf } from './redis-errors.ts';

/** A Lua script bound to a connection. @throws the errors of ioredis */
export type Script = (
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<unknown>;

/**
 * Binds a script to a connection. It is sent by its digest, and in full only if Redis does not know it:
 * the script cache is empty after every restart. One call can carry 100,000 keys, so they are passed
 * as an array: as arguments of a function they would overflow the stack.
 */
export function script(redis: RedisConnection, lua: string): Script {
  const sha = createHash('sha1').update(lua).digest('hex');
  return async (keys, args) => {
    try {
      return await redis.call('EVALSHA', [sha, keys.length, ...keys, ...args]);
    } catch (error) {
      if (redisFailureOf(error)?.kind !== 'unknown-script') throw error;
      return redis.call('EVAL', [lua, keys.length, ...keys, ...args]);
    }
  };
}
