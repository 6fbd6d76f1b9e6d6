import type { OperariusRegistry } from '@openfero/core/decisions/registry';
import { parseEntry } from '@openfero/core/history/parse';
import { timeOfId } from '@openfero/core/history/stream-id';
import { FAILURES } from '@openfero/core/outcome';
import { historyKey, LEAST_HISTORY_COUNT } from '@openfero/core/redis/history';
import { readTime } from '@openfero/core/redis/memory';
import { readResult } from '@openfero/core/redis/result';
import type { Logger } from '@openfero/service/log';
import type { RedisConnection } from '@openfero/service/redis';
import type { RedisWatch } from '@openfero/service/redis-watch';
import type { Job, Queue } from 'bullmq';
import type { Gate } from '../queue/gate.ts';
import { completedEnd, type EndOfJob, failedEnd } from './ends.ts';

interface MissingEndsOptions {
  /** With a time limit per command. */
  readonly redis: RedisConnection;
  readonly prefix: string;
  readonly queue: Queue;
  /** Names the operarius of a failed remediation, once the gate is open. */
  readonly registry: Pick<OperariusRegistry, 'nameFor'>;
  readonly gate: Pick<Gate, 'closed'>;
  /** @param at milliseconds: when it ended */
  readonly append: (end: EndOfJob, at: number) => void;
  readonly watch: Pick<RedisWatch, 'note'>;
  readonly log: Logger;
}

/** Milliseconds between two tries, and that a worker that is alive has to append the ends that it gathers. */
const INTERVAL = 2_000;

/**
 * Milliseconds that are looked back: Kubernetes replaces a worker that is killed within five minutes, and one
 * on a lost node within six.
 */
const LOOK_BACK = 15 * 60_000;

/** Milliseconds by which an end can be later than its entry: workers estimate the clock of Redis. */
const CLOCK_ERROR = 1_000;

/** Entries that are read at once: 0.6 MB. */
const PAGE = 1_000;

type State = 'completed' | 'failed';

/** A remediation that ended, and in which of BullMQ's sets it is. */
const memberOf = (state: State, id: string): string => `${state} ${id}`;

export interface MissingEnds {
  /** Looks again soon: this worker may have been told of no end that Redis has. */
  readonly look: () => void;
  readonly stop: () => void;
}

/**
 * Appends ends that no worker has appended to the history, and raises them. A worker gathers those of some
 * milliseconds, and is killed meanwhile, or does not know of an end whose answer was lost with its connection.
 * Once at the start of a worker, since Kubernetes starts one for each that was killed, and when it is told to.
 * Where two do it at once, the fold absorbs the second entry.
 */
export function startMissingEnds(options: MissingEndsOptions): MissingEnds {
  const { redis, gate, watch, log } = options;
  let isDue = true;
  let running = false;
  const run = async (): Promise<void> => {
    if (!isDue || running || redis.status !== 'ready' || gate.closed() !== undefined) return;
    running = true;
    isDue = false;
    try {
      const appended = await appendMissing(options);
      if (appended > 0) log.info({ appended }, 'ends that were missing from the history');
    } catch (error) {
      isDue = true;
      if (!watch.note(error)) log.warn({ err: error }, 'ends not looked for, will be retried');
    }
    running = false;
  };
  const timer = setInterval(() => void run(), INTERVAL);
  return {
    look() {
      isDue = true;
      // What ended just now is left to the worker that ended it.
      timer.refresh();
    },
    stop: () => clearInterval(timer),
  };
}

async function appendMissing(options: MissingEndsOptions): Promise<number> {
  const { redis, queue, append, registry } = options;
  const now = readTime(await redis.time());
  const missing = await endedBetween(now - LOOK_BACK, now - INTERVAL, options);
  if (missing.size > 0) await removeKnown(missing, options);
  let appended = 0;
  for (const { state, id, at } of missing.values()) {
    const job = await queue.getJob(id);
    const end = job && endOf(job, state, registry);
    if (end === undefined) continue;
    append(end, at);
    appended++;
  }
  return appended;
}

/** Undefined where it was not a worker that completed it. */
function endOf(
  job: Job<unknown>,
  state: State,
  registry: MissingEndsOptions['registry'],
): EndOfJob | undefined {
  if (state === 'failed') return failedEnd(job, job.failedReason, registry);
  const result = readResult(job.returnvalue);
  return result && completedEnd(job, result);
}

type Ended = Map<string, { readonly state: State; readonly id: string; readonly at: number }>;

/** Those that BullMQ still has: 10,000 of each state at most. */
async function endedBetween(
  from: number,
  to: number,
  { redis, queue }: MissingEndsOptions,
): Promise<Ended> {
  const ended: Ended = new Map();
  for (const state of ['completed', 'failed'] as const) {
    const set = await redis.zrangebyscore(queue.toKey(state), from, to, 'WITHSCORES');
    for (let index = 0; index < set.length; index += 2) {
      const [id = '', at = ''] = set.slice(index, index + 2);
      ended.set(memberOf(state, id), { state, id, at: Number(at) });
    }
  }
  return ended;
}

/** Removes those whose end the history has, or had before it was trimmed. */
async function removeKnown(ended: Ended, options: MissingEndsOptions): Promise<void> {
  const oldest = Math.min(...Array.from(ended.values(), ({ at }) => at));
  let read = 0;
  let first = 0;
  for await (const [id, fields] of entriesSince(oldest - CLOCK_ERROR, options)) {
    if (ended.size === 0) return;
    read++;
    first = timeOfId(id);
    ended.delete(memberIn(fields));
  }
  // What ended before all that is there may have been trimmed.
  if (read < LEAST_HISTORY_COUNT) return;
  for (const [member, { at }] of ended) if (at < first) ended.delete(member);
}

/** Which remediation has ended by an entry; empty where that is not what it says. */
function memberIn(fields: readonly string[]): string {
  const entry = parseEntry(fields);
  if (entry?.kind !== 'end') return '';
  const isFailure = FAILURES.some((failure) => failure === entry.outcome);
  return memberOf(isFailure ? 'failed' : 'completed', entry.id);
}

/** The newest first. @param from milliseconds */
async function* entriesSince(from: number, { redis, prefix }: MissingEndsOptions) {
  for (let before = '+'; ; ) {
    const page = await redis.xrevrange(historyKey(prefix), before, from, 'COUNT', PAGE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    before = `(${last[0]}`;
  }
}
