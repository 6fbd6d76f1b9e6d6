import { QUEUE, REMEDIATION_OPTIONS, type Remediation } from '@openfero/core/redis/remediation';
import { RECEIVE, readReceipt, receiveArguments } from '@openfero/core/redis/states';
import type { Logger } from '@openfero/service/log';
import { openQueue } from '@openfero/service/queue';
import type { RedisConnection } from '@openfero/service/redis';
import { connectionFailure } from '@openfero/service/redis';
import { warnOfDurability } from '@openfero/service/redis-durability';
import { redisFailureOf } from '@openfero/service/redis-errors';
import { watchRedis, writeProbe } from '@openfero/service/redis-watch';
import { script } from '@openfero/service/script';
import type { Queue } from 'bullmq';
import {
  createEntry,
  type Occurrence,
  occurrencesOf,
  type QueueEntry,
  type Received,
} from './entries.ts';
import { CHUNK, LISTED, STORE_DEADLINE_MS } from './limits.ts';
import { watchFullness } from './redis-fullness.ts';
import { createReplicaWait } from './replicas.ts';
import { deadlineExceeded, tooManyWaiting, toUnavailable, Unavailable } from './unavailable.ts';

export interface Stored {
  readonly queued: number;
  /** Alerts whose occurrence is already waiting or running. */
  readonly absorbed: number;
  /** The ids of the first {@link LISTED} that were queued. */
  readonly remediations: readonly string[];
}

export interface Store {
  /** Returns why Redis cannot be used now, undefined if it can. */
  problem(): string | undefined;
  /**
   * Stores all alerts of a notification within {@link STORE_DEADLINE_MS}.
   *
   * @throws {Unavailable} otherwise. Some may be stored then: they absorb the retry.
   */
  add(received: Received): Promise<Stored>;
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly prefix: string;
  readonly maxWaiting: number;
  readonly replicas: number;
}

/**
 * @param redis a connection of its own, of the kind producer: if it hangs, its commands must fail and
 *   it must reconnect
 */
export function createStore(redis: RedisConnection, options: StoreOptions, log: Logger): Store {
  const { prefix, maxWaiting, replicas } = options;
  addInTransactions(redis);
  const queueOptions = { prefix, defaultJobOptions: REMEDIATION_OPTIONS };
  const queue = openQueue(redis, QUEUE, queueOptions, log);
  const fullness = watchFullness(redis, log);
  const watch = watchRedis({
    connections: [redis],
    probe: writeProbe(redis, prefix),
    log,
    onUsable: () => void warnOfDurability(redis, log),
  });
  const receive = script(redis, RECEIVE);
  const waitForReplicas = createReplicaWait(redis, replicas);

  async function store(received: Received, signal: AbortSignal): Promise<Stored> {
    const occurrences = occurrencesOf(received);
    const { keys, args } = receiveArguments(prefix, maxWaiting, occurrences);
    const receipt = readReceipt(await receive(keys, args));
    if ('waiting' in receipt) throw tooManyWaiting(receipt.waiting, maxWaiting);
    const fresh = occurrences.filter((_, index) => !receipt.absorbed.has(index));
    const toEntry = (each: Occurrence) => createEntry(received, each, receipt.receivedAt);
    const { queued, remediations } = await addInChunks(queue, fresh, toEntry, signal);
    await waitForReplicas();
    return { queued, absorbed: received.alerts.length - queued, remediations };
  }

  const refusing = (): string | undefined =>
    connectionFailure(redis)?.problem ?? watch.refusing() ?? fullness.problem();
  const note = (error: unknown): void => {
    const kind = redisFailureOf(error)?.kind;
    // In a transaction ioredis does not load a missing script again; a new connection does.
    if (kind === 'unknown-script') redis.disconnect(true);
    // An error that we do not know may come from one alert: it must not stop the others.
    if (kind !== 'error') watch.note(error);
  };
  return {
    problem: watch.problem,
    async add(received) {
      const refusal = refusing();
      if (refusal !== undefined) throw new Unavailable(refusal);
      try {
        return await withinDeadline(received.since, (signal) => store(received, signal));
      } catch (error) {
        note(error);
        throw toUnavailable(error);
      }
    },
    async close() {
      fullness.stop();
      watch.stop();
      await queue.close();
    },
  };
}

/** The others are absorbed. */
async function addInChunks(
  queue: Queue<Remediation, unknown, string>,
  occurrences: readonly Occurrence[],
  toEntry: (occurrence: Occurrence) => QueueEntry,
  signal: AbortSignal,
): Promise<Pick<Stored, 'queued' | 'remediations'>> {
  let queued = 0;
  const remediations: string[] = [];
  let pending: Promise<readonly string[]> = Promise.resolve([]);
  const finish = async (): Promise<void> => {
    const ids = await pending;
    queued += ids.length;
    remediations.push(...ids.slice(0, LISTED - remediations.length));
  };
  for (let start = 0; start < occurrences.length; start += CHUNK) {
    signal.throwIfAborted();
    const next = addChunk(queue, occurrences.slice(start, start + CHUNK).map(toEntry));
    // Awaited in the next round, unless the chunk before it fails.
    next.catch(() => {});
    // Two chunks are on their way: one is built here while Redis works on the other.
    await finish();
    pending = next;
  }
  await finish();
  return { queued, remediations };
}

/** @returns the ids of those that were queued: an absorbed one gets the id of the one that absorbed it */
async function addChunk(
  queue: Queue<Remediation, unknown, string>,
  entries: QueueEntry[],
): Promise<readonly string[]> {
  const [first] = entries;
  // Most notifications have one alert: a transaction around one script is twice the work.
  const added =
    entries.length === 1 && first !== undefined
      ? [await queue.add(first.name, first.data, first.opts)]
      : await queue.addBulk(entries);
  return added.filter((job) => job.id === job.data.id).map((job) => job.data.id);
}

/**
 * Sets one deadline for the whole operation: BullMQ's calls have none. A connection that hangs is
 * closed by its socketTimeout (see redis.ts), after which notifications are refused at once. One that
 * is only slow stays open.
 */
async function withinDeadline(
  since: number,
  work: (signal: AbortSignal) => Promise<Stored>,
): Promise<Stored> {
  const deadline = new AbortController();
  const left = since + STORE_DEADLINE_MS - performance.now();
  const { promise: missed, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    // Created only now: an error collects its stack, which was 5 % of a receiver's work.
    const error = deadlineExceeded();
    deadline.abort(error);
    reject(error);
  }, left);
  try {
    return await Promise.race([work(deadline.signal), missed]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * BullMQ adds a bulk in a pipeline. As a transaction it costs Redis one fsync instead of one per
 * 16 KiB that it reads: 10,000 remediations took 2.0 s instead of 3.8 s (appendfsync always, busy
 * machine), 0.8 s instead of 1.5 s without.
 */
function addInTransactions(redis: RedisConnection): void {
  redis.pipeline = () => redis.multi();
}
