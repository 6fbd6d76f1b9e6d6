import type { Registry } from 'prom-client';
import type { RedisConnection } from './redis.ts';
import { isUnavailable } from './redis-errors.ts';
import { registerScraped, whileReady } from './scraped.ts';

/** Bytes; a `max` of 0 is no limit. It counts as none where the user may not run INFO. */
export async function readMemory(redis: RedisConnection): Promise<{ used: number; max: number }> {
  try {
    return memoryOf(await redis.info('memory'));
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return { used: 0, max: 0 };
  }
}

/** Registers how full Redis is: all that it does near maxmemory depends on it. */
export function registerMemory(metrics: Registry, redis: RedisConnection): void {
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_redis_memory_ratio',
      help: 'Memory that Redis uses, as a part of maxmemory. Above 0.7 the history is skipped, above 0.75 the receiver refuses notifications. The same in every replica. Absent if Redis has no maxmemory or does not say so.',
    },
    async () => {
      const memory = await whileReady(redis, () => readMemory(redis));
      if (memory === undefined || memory.max === 0) return undefined;
      return memory.used / memory.max;
    },
  );
}

function memoryOf(info: string): { used: number; max: number } {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return { used: field('used_memory'), max: field('maxmemory') };
}
