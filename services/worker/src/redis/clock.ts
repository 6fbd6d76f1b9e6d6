import { readTime } from '@openfero/core/redis/memory';
import type { RedisConnection } from '@openfero/service/redis';

/**
 * Redis' clock, told without asking it every time: workers share it, and that of a machine may be wrong
 * by hours, or for seconds.
 */
export interface RedisClock {
  /** Milliseconds since 1970. Call {@link RedisClock.sync} before. */
  now(): number;
  /** Asks Redis, unless it was asked lately. @throws the Redis client's errors */
  sync(): Promise<void>;
}

/** Milliseconds after which Redis is asked again: its own clock can be set too. */
const SYNC_INTERVAL = 10_000;

export function createRedisClock(redis: RedisConnection): RedisClock {
  // Measured by the monotonic clock: nobody sets that.
  let offset = Number.NaN;
  let syncedAt = Number.NEGATIVE_INFINITY;
  return {
    now: () => Math.round(performance.now() + offset),
    async sync() {
      const asked = performance.now();
      if (asked - syncedAt < SYNC_INTERVAL) return;
      const time = readTime(await redis.time());
      syncedAt = performance.now();
      offset = time - (asked + syncedAt) / 2;
    },
  };
}
