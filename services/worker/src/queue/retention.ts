import {
  ENDED_CHUNK,
  endedKeys,
  endedLimit,
  RETENTIONS,
  type Retention,
  readWeight,
  remediationPrefix,
  TRIM_ENDED,
  WEIGH_ENDED,
} from '@openfero/core/redis/ended';
import type { Logger } from '@openfero/service/log';
import { EVENTS_KEPT } from '@openfero/service/queue';
import type { RedisConnection } from '@openfero/service/redis';
import { readMemory } from '@openfero/service/redis-memory';
import type { RedisWatch } from '@openfero/service/redis-watch';
import { script } from '@openfero/service/script';
import type { Queue } from 'bullmq';

/** Milliseconds between two checks of how full Redis is: the receiver refuses alerts above three quarters. */
const FULLNESS_INTERVAL = 5_000;

/** The part of maxmemory above which ended remediations are looked at with every check. */
const CROWDED = 0.5;

/**
 * Checks between two looks at an uncrowded Redis: a minute. Every worker looks, without agreement, which
 * would need memory where there may be none. With 20,000 ended ones a look takes 70 ms of Redis.
 */
const UNCROWDED_CHECKS = 12;

interface Kept {
  /** With a time limit per command. */
  readonly redis: RedisConnection;
  readonly queue: Queue;
  readonly prefix: string;
  readonly watch: Pick<RedisWatch, 'note'>;
}

/**
 * Removes ended remediations beyond the {@link Retention}, at the start, every minute, and
 * within seconds where Redis is getting full.
 *
 * @returns what stops it
 */
export function startRetention(kept: Kept, log: Logger): () => void {
  const trim = createTrim(kept);
  let running = false;
  let checks = 0;
  const look = async (): Promise<number> => {
    const { used, max } = await readMemory(kept.redis);
    const crowded = max > 0 && used > max * CROWDED;
    const due = checks++ % UNCROWDED_CHECKS === 0;
    return due || crowded ? trim(endedLimit(max)) : 0;
  };
  const run = async (): Promise<void> => {
    if (running || kept.redis.status !== 'ready') return;
    running = true;
    try {
      const removed = await look();
      if (removed > 0) log.info({ removed }, 'removed ended remediations beyond their retention');
    } catch (error) {
      const message = 'ended remediations were not removed, will be retried in seconds';
      if (!kept.watch.note(error)) log.warn({ err: error }, message);
    }
    running = false;
  };
  const onReady = (): void => void run();
  kept.redis.on('ready', onReady);
  const timer = setInterval(onReady, FULLNESS_INTERVAL);
  onReady();
  return () => {
    kept.redis.off('ready', onReady);
    clearInterval(timer);
  };
}

/** @returns what removes them once, down to these bytes of each state, and says how many they were */
function createTrim({ redis, queue, prefix }: Kept): (bytes: number) => Promise<number> {
  const weighScript = script(redis, WEIGH_ENDED);
  const trimScript = script(redis, TRIM_ENDED);
  const begin = remediationPrefix(prefix);
  /** Those that end meanwhile are not among them: where all fit, any number may stay. */
  const fitting = async ({ state, count }: Retention, bytes: number): Promise<number> => {
    let fitted = 0;
    for (let left = bytes; fitted < count; ) {
      const args = [begin, fitted, ENDED_CHUNK, left];
      const weight = readWeight(await weighScript(endedKeys(prefix, state), args));
      fitted += weight.fit;
      if (weight.left === undefined) return Math.min(fitted, count);
      if (weight.fit < ENDED_CHUNK) break;
      left = weight.left;
    }
    return count;
  };
  const trim = async (retention: Retention, bytes: number): Promise<number> => {
    const keep = await fitting(retention, bytes);
    let removed = 0;
    for (let more = true; more; ) {
      const args = [begin, keep, retention.age, ENDED_CHUNK];
      const last = Number(await trimScript(endedKeys(prefix, retention.state), args));
      removed += last;
      more = last === ENDED_CHUNK;
    }
    return removed;
  };
  return async (bytes) => {
    // Nobody reads it, and BullMQ's own bound is 10,000 events in a Redis that was emptied.
    await queue.trimEvents(EVENTS_KEPT);
    let removed = 0;
    for (const retention of RETENTIONS) removed += await trim(retention, bytes);
    return removed;
  };
}
