import type { RedisConnection } from '@openfero/service/redis';
import { refusalOf } from '@openfero/service/redis-errors';

/** Bytes; a `max` of 0 is no limit. It counts as none where the user may not run INFO. */
export async function readMemory(redis: RedisConnection): Promise<{ used: number; max: number }> {
  try {
    return memoryOf(await redis.info('memory'));
  } catch (error) {
    if (refusalOf(error)?.kind !== 'not-permitted') throw error;
    return { used: 0, max: 0 };
  }
}

function memoryOf(info: string): { used: number; max: number } {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return { used: field('used_memory'), max: field('maxmemory') };
}
