import type { Alert } from '@openfero/core/alert';
import {
  LOOK,
  type Look,
  MEMORY_TTL,
  type Memory,
  memoryKey,
  REMEMBER,
  readLook,
  readTime,
} from '@openfero/core/redis/memory';
import { readState, type State, stateKey } from '@openfero/core/redis/states';
import { script } from '@openfero/service/script';
import type { Redis } from 'ioredis';

/** The memory of episodes and the states of alerts. Every call throws the Redis client's errors. */
export interface Memories {
  look(k: string, alert: Alert): Promise<Look>;
  state(alert: Alert): Promise<State | undefined>;
  remember(k: string, memory: Memory): Promise<void>;
  /** A sighting: the memory lives its full time from here on. */
  touch(k: string): Promise<void>;
  /** Milliseconds since 1970, by Redis' clock. */
  now(): Promise<number>;
}

export function memories(redis: Redis, prefix: string): Memories {
  const lookAt = script(redis, LOOK);
  const remember = script(redis, REMEMBER);
  return {
    async look(k, alert) {
      const keys = [stateKey(prefix, alert.fingerprint), memoryKey(prefix, k)];
      return readLook(await lookAt(keys, []));
    },
    async state(alert) {
      return readState(await redis.get(stateKey(prefix, alert.fingerprint)));
    },
    async remember(k, { episode, remediation, job, createdAt }) {
      await remember(
        [memoryKey(prefix, k)],
        [episode.instant, episode.count, remediation, job, createdAt, MEMORY_TTL],
      );
    },
    async touch(k) {
      await redis.pexpire(memoryKey(prefix, k), MEMORY_TTL);
    },
    now: async () => readTime(await redis.time()),
  };
}
