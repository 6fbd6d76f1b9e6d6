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
export interface EpisodeMemory {
  look(troubleKey: string, alert: Alert): Promise<Look>;
  state(alert: Alert): Promise<State | undefined>;
  remember(troubleKey: string, memory: Memory): Promise<void>;
  /** The trouble was seen again: its memory lives the full time from now. */
  touch(troubleKey: string): Promise<void>;
  /** Milliseconds since 1970, by Redis' clock. */
  now(): Promise<number>;
}

export function createEpisodeMemory(redis: Redis, prefix: string): EpisodeMemory {
  const lookScript = script(redis, LOOK);
  const rememberScript = script(redis, REMEMBER);
  return {
    async look(troubleKey, alert) {
      const keys = [stateKey(prefix, alert.fingerprint), memoryKey(prefix, troubleKey)];
      return readLook(await lookScript(keys, []));
    },
    async state(alert) {
      return readState(await redis.get(stateKey(prefix, alert.fingerprint)));
    },
    async remember(troubleKey, { episode, remediation, job, createdAt }) {
      await rememberScript(
        [memoryKey(prefix, troubleKey)],
        [episode.instant, episode.count, remediation, job, createdAt, MEMORY_TTL],
      );
    },
    async touch(troubleKey) {
      await redis.pexpire(memoryKey(prefix, troubleKey), MEMORY_TTL);
    },
    now: async () => readTime(await redis.time()),
  };
}
