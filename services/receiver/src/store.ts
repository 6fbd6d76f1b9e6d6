import { randomUUID } from 'node:crypto';
import type { Alert } from '@openfero/core/alert';
import { messageOf } from '@openfero/core/errors';
import {
  occurrenceOf,
  PAYLOAD_VERSION,
  QUEUE,
  REMEDIATION_OPTIONS,
  type Remediation,
  readRemediation,
} from '@openfero/core/redis/remediation';
import { RECEIVE, readReceipt, receiveArguments } from '@openfero/core/redis/states';
import type { Logger } from '@openfero/service/log';
import { script } from '@openfero/service/script';
import { type BulkJobOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { CHUNK, STORE_DEADLINE_MS } from './limits.ts';
import { watchMemory } from './redis-fullness.ts';

/** The good alerts of one notification, and what its group tells of all of them. */
export interface Received {
  readonly groupKey: string;
  /** Undefined where the sender gave none: then each alert's own stands for it. */
  readonly groupStatus: string | undefined;
  readonly externalURL: string;
  readonly alerts: readonly Alert[];
  /** By performance.now(), when all of it had come: the deadline counts from here. */
  readonly since: number;
}

export interface Stored {
  readonly queued: number;
  /** The same occurrence waits or runs already. */
  readonly absorbed: number;
}

/** Nothing, or not all, could be stored. The message is for people; the sender should repeat. */
export class Unavailable extends Error {}

export interface Store {
  /** Why Redis cannot be asked right now, or undefined. */
  unready(): string | undefined;
  /**
   * Stores all of them within {@link STORE_DEADLINE_MS}.
   *
   * @throws {Unavailable} otherwise; some may be stored then, and absorb their repetition
   */
  add(received: Received): Promise<Stored>;
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly prefix: string;
  readonly maxWaiting: number;
}

/**
 * @param redis its own connection, of the producer kind: one that hangs must fail its commands and
 *   connect again
 */
export function createStore(redis: Redis, options: StoreOptions, log: Logger): Store {
  addInTransactions(redis);
  const queue = new Queue<Remediation, unknown, string>(QUEUE, {
    connection: redis,
    prefix: options.prefix,
    // Its check is an INFO that, failed once, would leave the queue broken until a restart.
    skipVersionCheck: true,
    defaultJobOptions: REMEDIATION_OPTIONS,
  });
  // The connection logs its own trouble.
  queue.on('error', () => {});
  const memory = watchMemory(redis, log);
  const receive = script(redis, RECEIVE);

  const unready = (): string | undefined =>
    redis.status === 'ready'
      ? undefined
      : 'Redis is not reachable: look whether it runs and whether REDIS_URL is right';

  async function store(received: Received, signal: AbortSignal): Promise<Stored> {
    const occurrences = received.alerts.map((alert) => ({
      id: occurrenceOf(received.groupKey, alert),
      alert,
    }));
    const { keys, args } = receiveArguments(options.prefix, options.maxWaiting, occurrences);
    const receipt = readReceipt(await receive(keys, args));
    if ('waiting' in receipt) throw new Unavailable(tooMany(receipt.waiting, options.maxWaiting));
    const fresh = occurrences.filter((_, index) => !receipt.absorbed.has(index));
    const toJob = (occurrence: Occurrence): Job => jobOf(received, occurrence, receipt.receivedAt);
    const queued = await addAll(fresh, toJob, signal);
    return { queued, absorbed: received.alerts.length - queued };
  }

  async function addAll(
    fresh: readonly Occurrence[],
    toJob: (occurrence: Occurrence) => Job,
    signal: AbortSignal,
  ): Promise<number> {
    let queued = 0;
    let pending = Promise.resolve(0);
    for (let start = 0; start < fresh.length; start += CHUNK) {
      signal.throwIfAborted();
      const next = add(fresh.slice(start, start + CHUNK).map(toJob));
      // Awaited in the next turn, unless the one before it fails.
      next.catch(() => {});
      // So two are under way: one is made here while Redis works at the other.
      queued += await pending;
      pending = next;
    }
    return queued + (await pending);
  }

  /** @returns how many were queued: an absorbed one has the id of the one that absorbed it */
  async function add(jobs: Job[]): Promise<number> {
    const [first] = jobs;
    // Most notifications have one alert: a transaction around one script is twice the work.
    const added =
      jobs.length === 1 && first !== undefined
        ? [await queue.add(first.name, first.data, first.opts)]
        : await queue.addBulk(jobs);
    return added.filter((job) => job.id === job.data.id).length;
  }

  return {
    unready,
    async add(received) {
      const refusal = unready() ?? memory.full();
      if (refusal !== undefined) throw new Unavailable(refusal);
      try {
        return await withinDeadline(received.since, (signal) => store(received, signal));
      } catch (error) {
        if (lostScripts(error)) redis.disconnect(true);
        throw asUnavailable(error);
      }
    },
    async close() {
      memory.stop();
      await queue.close();
    },
  };
}

interface Occurrence {
  readonly id: string;
  readonly alert: Alert;
}

interface Job {
  readonly name: string;
  readonly data: Remediation;
  readonly opts: BulkJobOptions;
}

function jobOf(received: Received, occurrence: Occurrence, receivedAt: number): Job {
  const { groupKey: key, groupStatus, externalURL } = received;
  const { id: deduplicationId, alert } = occurrence;
  const id = randomUUID();
  const group = { key, status: groupStatus ?? alert.status, externalURL };
  return {
    name: 'remediation',
    // What a worker could not read is never written.
    data: readRemediation({ v: PAYLOAD_VERSION, id, receivedAt, group, alert }),
    opts: { jobId: id, deduplication: { id: deduplicationId } },
  };
}

function tooMany(waiting: number, limit: number): string {
  return `${waiting} remediations wait already (OPENFERO_MAX_WAITING is ${limit}): look whether workers run and what holds them`;
}

/**
 * One deadline around the whole: BullMQ's own calls have none. A Redis that hangs is left by the
 * connection itself (see socketTimeout in redis.ts), after which the next notification is refused
 * at once; one that is merely slow keeps its connection.
 */
async function withinDeadline(
  since: number,
  work: (signal: AbortSignal) => Promise<Stored>,
): Promise<Stored> {
  const deadline = new AbortController();
  const left = since + STORE_DEADLINE_MS - performance.now();
  const { promise: late, reject } = Promise.withResolvers<never>();
  // Made only when it is needed: an error takes its stack, 5 % of all that a receiver does.
  const timer = setTimeout(() => {
    const missed = new Unavailable(
      `Redis did not store this within ${STORE_DEADLINE_MS} ms: look at its load, its disk and the network`,
    );
    deadline.abort(missed);
    reject(missed);
  }, left);
  try {
    return await Promise.race([work(deadline.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * BullMQ adds a bulk in a pipeline. As a transaction it costs Redis one fsync instead of one per
 * 16 KiB that it reads: 10,000 remediations took 2.0 s instead of 3.8 s (appendfsync always, busy
 * machine), 0.8 s instead of 1.5 s without.
 */
function addInTransactions(redis: Redis): void {
  redis.pipeline = () => redis.multi();
}

/** SCRIPT FLUSH: inside a transaction ioredis does not notice, a new connection loads them again. */
function lostScripts(error: unknown): boolean {
  return error instanceof Error && error.message.includes('NOSCRIPT');
}

function asUnavailable(error: unknown): Unavailable {
  if (error instanceof Unavailable) return error;
  const message = messageOf(error);
  return new Unavailable(explain(message), { cause: error });
}

function explain(message: string): string {
  if (/\bOOM\b/.test(message)) {
    return 'Redis is out of memory: look whether the workers drain the queue, or raise maxmemory';
  }
  if (/max retries per request|Connection is closed|isn't writeable/.test(message)) {
    return 'the connection to Redis broke: look whether it runs, its load and the network';
  }
  return `Redis failed (${message}): look at its log`;
}
