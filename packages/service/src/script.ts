import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** A Lua script bound to a connection. @throws the client's errors */
export type Script = (
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<unknown>;

/**
 * Binds a script: sent by its digest, and whole only where Redis does not know it yet (its script
 * cache is empty after every restart). One call can carry 100,000 keys: handed over as an array,
 * since as many arguments of a function would overflow the stack.
 */
export function script(redis: Redis, lua: string): Script {
  const sha = createHash('sha1').update(lua).digest('hex');
  return async (keys, args) => {
    try {
      return await redis.call('EVALSHA', [sha, keys.length, ...keys, ...args]);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return redis.call('EVAL', [lua, keys.length, ...keys, ...args]);
    }
  };
}
