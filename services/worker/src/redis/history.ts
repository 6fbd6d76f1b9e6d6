import { setTimeout } from 'node:timers/promises';
import {
  APPEND,
  appendArguments,
  HISTORY_FULL_INTERVAL,
  historyFullCommand,
  trimArguments,
} from '@openfero/core/redis/history';
import type { ToRaise } from '@openfero/core/redis/raised';
import type { Logger } from '@openfero/service/log';
import type { RedisConnection } from '@openfero/service/redis';
import { readMemory } from '@openfero/service/redis-memory';
import type { RedisWatch } from '@openfero/service/redis-watch';
import { script } from '@openfero/service/script';
import type { EpisodeMemory } from './memory.ts';

/** Entries that wait for a Redis that is unreachable: some 10 MB at most. Later ones are lost. */
const MOST_WAITING = 20_000;

/** Milliseconds in which entries come together: one command, and one fsync, for all of them. */
const GATHER = 10;

/** Entries of one command: Redis serves others in between. */
const ENTRIES_AT_ONCE = 500;

/** Of maxmemory, for the history: ended remediations may have another quarter, and alerts need room. */
const MEMORY_SHARE = 0.25;

/** Bytes of Redis that an entry takes: 644 on average, measured over 129,152 entries. */
const ENTRY_BYTES = 700;

/** Checks of the memory between two trims by age: a minute. */
const CHECKS_PER_TRIM = 12;

export interface History {
  /**
   * Appends an entry, as encodeEntry writes it, some time soon. Never throws: off the hot path.
   *
   * @param raised what is raised with it, if anything
   */
  append(entry: string, raised?: ToRaise): void;
  /** Waits until the latest entries are written, where Redis is there. */
  stop(): Promise<void>;
}

export interface HistoryOptions {
  readonly redis: RedisConnection;
  readonly prefix: string;
  readonly memory: Pick<EpisodeMemory, 'now'>;
  readonly watch: Pick<RedisWatch, 'note'>;
  /** OPENFERO_HISTORY_COUNT, and OPENFERO_HISTORY_AGE in milliseconds. */
  readonly count: number;
  readonly age: number;
}

interface Appended {
  readonly entry: string;
  readonly raised: ToRaise | undefined;
}

/** Appends to the history, tells whether Redis has room for it, and trims it by age once a minute. */
export function createHistory(options: HistoryOptions, log: Logger): History {
  const { redis, prefix, watch, age } = options;
  let { count } = options;
  const appendScript = script(redis, APPEND);
  let waiting: Appended[] = [];
  let flushing: Promise<void> | undefined;
  let checks = 0;

  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const some = waiting.slice(0, ENTRIES_AT_ONCE);
      const entries = some.map(({ entry }) => entry);
      const raised = some.flatMap((one) => one.raised ?? []);
      const { keys, args } = appendArguments(prefix, count, entries, raised);
      await appendScript(keys, args);
      waiting = waiting.slice(some.length);
    }
  };
  const flushSoon = (): void => {
    flushing ??= setTimeout(GATHER)
      .then(flush)
      .catch(failed)
      .finally(() => {
        flushing = undefined;
      });
  };
  const failed = (error: unknown): void => {
    if (!watch.note(error)) log.warn({ err: error }, 'history not written, will be retried');
  };
  const look = async (): Promise<void> => {
    if (redis.status !== 'ready') return;
    if (waiting.length > 0) flushSoon();
    const { used, max } = await readMemory(redis);
    if (max > 0) count = Math.min(options.count, Math.floor((max * MEMORY_SHARE) / ENTRY_BYTES));
    const [command, ...args] = historyFullCommand(prefix, used, max);
    await redis.call(command, args);
    if (checks++ % CHECKS_PER_TRIM === 0) await trim();
  };
  const trim = async (): Promise<void> => {
    const args = trimArguments(prefix, await options.memory.now(), age);
    // One call removes 10,000 entries at most.
    while ((await redis.call('XTRIM', args)) !== 0);
  };
  const timer = setInterval(() => void look().catch(failed), HISTORY_FULL_INTERVAL);
  return {
    append(entry, raised) {
      if (waiting.length >= MOST_WAITING) return;
      waiting.push({ entry, raised });
      flushSoon();
    },
    async stop() {
      clearInterval(timer);
      if (redis.status === 'ready') await flushing;
    },
  };
}
