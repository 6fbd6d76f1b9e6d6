import type { Alert } from '@openfero/core/alert';
import {
  MEMORY_FIELDS,
  MEMORY_TTL,
  type Memory,
  memoryKey,
  REMEMBER,
  readMemory,
} from '@openfero/core/redis/memory';
import { readState, type State, stateKey } from '@openfero/core/redis/states';
import { script } from '@openfero/service/script';
import type { Redis } from 'ioredis';

/** What Redis knows that bears on one remediation, at one instant. */
export interface Look {
  /** The latest received state of the alert, by its fingerprint. */
  readonly state: State | undefined;
  readonly memory: Memory | undefined;
  /** Milliseconds since 1970, by Redis' clock: the clock of every decision about time. */
  readonly now: number;
}

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
  const remember = script(redis, REMEMBER);
  return {
    async look(k, alert) {
      // One round trip: the three are written to the socket together.
      const [state, memory, now] = await Promise.all([
        redis.get(stateKey(prefix, alert.fingerprint)),
        redis.hmget(memoryKey(prefix, k), ...MEMORY_FIELDS),
        timeOf(redis),
      ]);
      return { state: readState(state), memory: readMemory(memory), now };
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
    now: () => timeOf(redis),
  };
}

async function timeOf(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}
