import { messageOf } from '@openfero/core/errors';
import type { RedisConnection } from '@openfero/service/redis';
import { isUnavailable } from '@openfero/service/redis-errors';

/** An entry as Redis answers it: its id, and names and values in turn. */
export type StreamEntry = readonly [id: string, fields: readonly string[]];

/** What a stream holds now. */
export interface Extent {
  /** Also of an entry that is gone again: no later one is less. */
  readonly lastId: string;
  /** Undefined where no entry is left. */
  readonly firstId: string | undefined;
}

/** @returns undefined where there is no such key. @throws the errors of ioredis */
export async function readExtent(redis: RedisConnection, key: string): Promise<Extent | undefined> {
  try {
    const info = readInfo(await redis.xinfo('STREAM', key));
    const first = info.get('first-entry');
    const firstId: unknown = Array.isArray(first) ? first[0] : undefined;
    return {
      lastId: String(info.get('last-generated-id')),
      firstId: typeof firstId === 'string' ? firstId : undefined,
    };
  } catch (error) {
    if (/no such key/.test(messageOf(error))) return undefined;
    throw error;
  }
}

/**
 * Reads what follows an entry, and waits where nothing does.
 *
 * @param waitMs 0: does not wait
 * @returns oldest first, `count` at most, none where the time is over. @throws the errors of ioredis
 */
export async function readAfter(
  redis: RedisConnection,
  key: string,
  after: string,
  { count, waitMs }: { readonly count: number; readonly waitMs: number },
): Promise<readonly StreamEntry[]> {
  // 0 would wait for ever.
  const answer =
    waitMs === 0
      ? await redis.xread('COUNT', count, 'STREAMS', key, after)
      : await redis.xread('COUNT', count, 'BLOCK', waitMs, 'STREAMS', key, after);
  return answer?.[0]?.[1] ?? [];
}

/**
 * Reads what each start of a server, and a failover, changes.
 *
 * @returns undefined where Redis does not allow INFO. @throws the errors of ioredis
 */
export async function readRunId(redis: RedisConnection): Promise<string | undefined> {
  try {
    return /^run_id:(\w+)/m.exec(await redis.info('server'))?.[1];
  } catch (error) {
    if (isUnavailable(error)) return undefined;
    throw error;
  }
}

/** Names and values in turn. */
function readInfo(answer: unknown): Map<unknown, unknown> {
  const flat: unknown[] = Array.isArray(answer) ? answer : [];
  const names = flat.filter((_, index) => index % 2 === 0);
  return new Map(names.map((name, index) => [name, flat[2 * index + 1]]));
}
