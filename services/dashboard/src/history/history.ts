import { setTimeout } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { messageOf } from '@openfero/core/errors';
import type { Fold } from '@openfero/core/history/fold';
import type { Row } from '@openfero/core/history/row';
import { compareIds } from '@openfero/core/history/stream-id';
import { historyKey } from '@openfero/core/redis/history';
import type { Logger } from '@openfero/service/log';
import type { RedisConnection } from '@openfero/service/redis';
import { redisFailureOf } from '@openfero/service/redis-errors';
import { historyLimit } from '../limits.ts';
import { Reading } from './reading.ts';
import { readAfter, readExtent, readRunId } from './stream.ts';

/** What has changed since the last call. */
export type HistoryChange =
  /** These rows are new, or replace those of the same occurrence. Oldest first. */
  | { readonly kind: 'rows'; readonly rows: readonly Row[] }
  /** Everything may be different: Redis has lost the history, or an older one was restored. */
  | { readonly kind: 'reset' };

/** The history in memory, as new as Redis'. */
export interface History {
  /** What it has read. Read from it at once: the next entry changes it. */
  readonly fold: Fold;
  /** Why there is nothing to show yet; undefined once all of the stream was read. */
  problem(): string | undefined;
  /** Entries that could not be read: none of ours, or of a newer version. */
  readonly skipped: number;
  /** Tells each change once the stream was read. @returns what ends that */
  subscribe(tell: (change: HistoryChange) => void): () => void;
  /** Ends the connection, and tells nothing any more. */
  stop(): void;
}

export interface HistoryOptions {
  /** Of the kind consumer, and of nobody else: it waits in blocking reads. */
  readonly redis: RedisConnection;
  readonly prefix: string;
  readonly log: Logger;
  /** Entries in memory: by default as many as there is room for. */
  readonly limit?: number;
}

/**
 * Entries of one answer: some 4 ms of work, between which pages are served. With 1,000, Redis needed more than
 * 10 ms for an answer on a busy machine.
 */
const BATCH = 250;

/** Milliseconds of one blocking read, and at most so long the loss of the stream goes unnoticed. */
const WAIT_MS = 1_000;

/** Milliseconds between two trims. Each walks over all rows, for some 20 ms. */
const TRIM_INTERVAL_MS = 60_000;

/** Milliseconds until a read that failed is tried again. */
const RETRY_MS = 500;

/** Reads the history at once, and follows it until it is stopped. It never throws. */
export function followHistory(options: HistoryOptions): History {
  const reader = new Reader(options);
  void reader.run();
  return {
    get fold() {
      return reader.current.fold;
    },
    get skipped() {
      return reader.current.skipped;
    },
    problem: () => reader.problem(),
    subscribe(tell) {
      reader.listeners.add(tell);
      return () => reader.listeners.delete(tell);
    },
    stop: () => reader.stop(),
  };
}

class Reader {
  /** What is shown. */
  current: Reading;
  readonly listeners = new Set<(change: HistoryChange) => void>();
  readonly #options: HistoryOptions;
  readonly #key: string;
  readonly #stopped = new AbortController();
  /** The stream is read from its beginning: this replaces `current` once it has reached the end. */
  #next: Reading | undefined;
  #runId: string | undefined;
  #isConnected = false;
  #isRead = false;
  #failure: string | undefined;
  /** What `current` held when it was last compared with the stream, and when that was. */
  #compared = { lastId: '0-0', at: Number.NEGATIVE_INFINITY };
  #trimmedAt = Number.NEGATIVE_INFINITY;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#key = historyKey(options.prefix);
    this.current = this.#newReading();
    this.#next = this.#newReading();
    options.redis.on('close', () => {
      this.#isConnected = false;
    });
  }

  /** Waits for nothing: a read may never end, where the connection is being made again. */
  stop(): void {
    this.listeners.clear();
    this.#stopped.abort();
    this.#options.redis.disconnect();
  }

  async run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#step();
        this.#failure = undefined;
      } catch (error) {
        if (signal.aborted) return;
        this.#fail(error);
        await setTimeout(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  problem(): string | undefined {
    if (this.#isRead) return undefined;
    return this.#failure ?? 'the history is being read from Redis';
  }

  #fail(error: unknown): void {
    const { log } = this.#options;
    const failure = redisFailureOf(error)?.problem ?? messageOf(error);
    if (this.#failure === undefined) log.warn({ err: error }, 'cannot read the history, retrying');
    this.#failure = `the history cannot be read: ${failure}`;
    // Whatever it was, the server may be another one now.
    this.#isConnected = false;
  }

  /** Compares, if it is time, and reads once. */
  async #step(): Promise<void> {
    const { redis } = this.#options;
    if (!this.#isConnected) {
      this.#isConnected = true;
      await this.#meetServer();
    }
    if (performance.now() - this.#compared.at >= WAIT_MS) await this.#compare();
    const next = this.#next;
    const reading = next ?? this.current;
    const waitMs = next === undefined ? WAIT_MS : 0;
    const entries = await readAfter(redis, this.#key, reading.lastId, { count: BATCH, waitMs });
    const rows = reading.add(entries);
    if (next === undefined) {
      if (rows.length > 0) this.#tell({ kind: 'rows', rows });
    } else if (entries.length < BATCH) {
      this.#show(next);
    }
  }

  /** A Redis that was restarted may have lost its last entries, and have others in their place. */
  async #meetServer(): Promise<void> {
    const runId = await readRunId(this.#options.redis);
    const isSame = runId !== undefined && runId === this.#runId;
    if (!isSame && this.#isRead) this.#next = this.#newReading();
    this.#runId = runId;
  }

  /** Whether the stream still goes on where this has read to, and where it begins by now. */
  async #compare(): Promise<void> {
    const extent = await readExtent(this.#options.redis, this.#key);
    const { lastId } = this.#next ?? this.current;
    const before = this.#compared.lastId;
    this.#compared = { lastId: this.current.lastId, at: performance.now() };
    if (extent?.firstId === undefined) {
      // Nothing to read: what is shown is gone.
      if (this.current.lastId !== '0-0') this.#show(this.#newReading());
    } else if (compareIds(extent.lastId, lastId) < 0) {
      this.#next = this.#newReading();
    } else {
      this.#trim(extent.firstId, before);
    }
  }

  #trim(firstId: string, lastBefore: string): void {
    const isOther = compareIds(firstId, lastBefore) > 0 && lastBefore !== '0-0';
    if (!isOther && performance.now() - this.#trimmedAt < TRIM_INTERVAL_MS) return;
    this.#trimmedAt = performance.now();
    this.current.trim(firstId);
    if (isOther) this.#tell({ kind: 'reset' });
  }

  #show(reading: Reading): void {
    this.current = reading;
    this.#next = undefined;
    this.#compared = { lastId: reading.lastId, at: this.#compared.at };
    if (this.#isRead) this.#tell({ kind: 'reset' });
    this.#isRead = true;
  }

  #tell(change: HistoryChange): void {
    for (const tell of this.listeners) tell(change);
  }

  #newReading(): Reading {
    return new Reading(this.#options.limit ?? historyLimit(getHeapStatistics().heap_size_limit));
  }
}
