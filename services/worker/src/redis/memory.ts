import type { Alert } from '@openfero/core/alert';
import {
  type Claim,
  claimKey,
  LOOK,
  type Look,
  MEMORY_TTL,
  type Memory,
  memoryKey,
  REMEMBER,
  readClaim,
  readLook,
  readTime,
} from '@openfero/core/redis/memory';
import { readState, type State, stateKey } from '@openfero/core/redis/states';
import { stoppedKey } from '@openfero/core/redis/stopped';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';

/** A Job to be remembered. Without `createdAt` it was created just now. */
export type NewMemory = Omit<Memory, 'createdAt'> & { readonly createdAt?: number };

/** The latest Job of each trouble and the states of alerts. Every call throws the Redis client's errors. */
export interface EpisodeMemory {
  /** @param operarius the ConfigMap's name */
  look(troubleKey: string, alert: Alert, operarius: string): Promise<Look>;
  state(alert: Pick<Alert, 'labels' | 'fingerprint'>): Promise<State | undefined>;
  /** Who creates a Job of the trouble now, or did so without telling what came of it. */
  claim(troubleKey: string): Promise<Claim | undefined>;
  /** Also frees the claim of its episode. */
  remember(troubleKey: string, memory: NewMemory): Promise<void>;
  /** The trouble was seen again: its memory lives the full time from now. */
  touch(troubleKey: string): Promise<void>;
  /** Milliseconds since 1970, by Redis' clock. */
  now(): Promise<number>;
}

export function createEpisodeMemory(redis: RedisConnection, prefix: string): EpisodeMemory {
  const lookScript = script(redis, LOOK);
  const rememberScript = script(redis, REMEMBER);
  return {
    async look(troubleKey, alert, operarius) {
      const keys = [stateKey(prefix, alert), memoryKey(prefix, troubleKey), stoppedKey(prefix)];
      return readLook(await lookScript(keys, [operarius]));
    },
    async state(alert) {
      return readState(await redis.get(stateKey(prefix, alert)));
    },
    async claim(troubleKey) {
      return readClaim(await redis.get(claimKey(prefix, troubleKey)));
    },
    async remember(troubleKey, { episode, remediation, job, createdAfter, createdAt = '' }) {
      await rememberScript(
        [memoryKey(prefix, troubleKey), claimKey(prefix, troubleKey)],
        [episode.instant, episode.count, remediation, job, createdAfter, createdAt, MEMORY_TTL],
      );
    },
    async touch(troubleKey) {
      await redis.pexpire(memoryKey(prefix, troubleKey), MEMORY_TTL);
    },
    now: async () => readTime(await redis.time()),
  };
}
