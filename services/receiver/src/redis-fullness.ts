import type { Logger } from '@openfero/service/log';
import type { RedisConnection } from '@openfero/service/redis';
import { readMemory } from '@openfero/service/redis-memory';
import { FULLNESS_INTERVAL_MS, FULLNESS_LIMIT } from './limits.ts';

/** Knows how full Redis is. */
export interface FullnessWatch {
  /** Returns why nothing may be added, undefined if there is room. */
  problem(): string | undefined;
  stop(): void;
}

type Fullness = Awaited<ReturnType<typeof readMemory>>;

/** Asks Redis at an interval, so that no notification waits for the answer. */
export function watchFullness(redis: RedisConnection, log: Logger): FullnessWatch {
  let latest: Fullness | undefined;
  const update = async (): Promise<void> => {
    if (redis.status !== 'ready') return;
    try {
      latest = await readMemory(redis);
    } catch (error) {
      log.debug({ err: error }, 'cannot read the memory usage of Redis');
    }
  };
  const onReady = (): void => void update();
  redis.on('ready', onReady);
  const timer = setInterval(onReady, FULLNESS_INTERVAL_MS);
  timer.unref();
  return {
    problem: () => latest && problemOf(latest),
    stop() {
      clearInterval(timer);
      redis.off('ready', onReady);
    },
  };
}

function problemOf({ used, max }: Fullness): string | undefined {
  if (max === 0 || used <= max * FULLNESS_LIMIT) return undefined;
  const percent = Math.round((used / max) * 100);
  return `Redis is nearly full (${percent} % of maxmemory, the limit is ${FULLNESS_LIMIT * 100} %): check that the workers are draining the queue, or raise maxmemory`;
}
