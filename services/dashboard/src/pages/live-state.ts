import { type Handled, isHeld, type Row } from '@openfero/core/history/row';
import type { Live } from '@openfero/core/history/state';
import { FAILURES } from '@openfero/core/outcome';
import { placeOf, placesKey } from '@openfero/core/redis/places';
import { cannotStartKey } from '@openfero/core/redis/published';
import type { RedisConnection } from '@openfero/service/redis';
import type { Queue } from 'bullmq';
import { readQuestions } from '../decide.ts';
import type { LiveOf } from './occurrence-row.ts';

export interface LiveOptions {
  readonly redis: RedisConnection;
  readonly queue: Queue;
  readonly prefix: string;
}

/** Asks Redis what it knows now of the remediations of some rows: one round trip, no command that looks through a list. */
export async function readLive(
  { redis, queue, prefix }: LiveOptions,
  rows: readonly Row[],
): Promise<LiveOf> {
  const handled = rows
    .flatMap(({ firing, resolved }) => [firing, resolved])
    .filter((each) => each !== undefined);
  const asked = await askedUntil(redis, prefix);
  const questions = redis.pipeline();
  const readers = handled.map((each) => {
    const queued = mayBeQueued(each) ? askQueue(questions, queue, each) : undefined;
    const job = isUnfinished(each) ? askJob(questions, prefix, each) : undefined;
    const until = asked.get(each.job?.name ?? '');
    return { id: each.id, queued, job, until };
  });
  const answers = (await questions.exec()) ?? [];
  const next = (): unknown => {
    const [error, value] = answers.shift() ?? [];
    if (error) throw error;
    return value;
  };
  const known = new Map<string, Live>();
  // In the order in which they were asked.
  for (const { id, queued, job, until } of readers) {
    const waits = until === undefined ? {} : { askedUntil: until };
    known.set(id, { ...queued?.(next), ...job?.(next), ...waits });
  }
  return (remediation) => known.get(remediation) ?? {};
}

/** Until when the Jobs that wait for a person can be answered, by their names: there are few. */
async function askedUntil(
  redis: RedisConnection,
  prefix: string,
): Promise<ReadonlyMap<string, number>> {
  const questions = await readQuestions(redis, prefix);
  return new Map(questions.map(({ job, until }) => [job, until]));
}

type Questions = ReturnType<RedisConnection['pipeline']>;
type Read = (next: () => unknown) => Live;

/** What has ended stays so, unless it failed: a person may retry it. */
function mayBeQueued(handled: Handled): boolean {
  const { end } = handled;
  return end === undefined || isHeld(handled) || FAILURES.some((each) => each === end.outcome);
}

const isUnfinished = ({ job, end }: Handled): boolean =>
  end !== undefined && job !== undefined && job.fate === undefined;

function askQueue(questions: Questions, queue: Queue, handled: Handled): Read {
  const { id } = handled;
  questions
    .zscore(queue.toKey('delayed'), id)
    .zscore(queue.toKey('failed'), id)
    .zscore(queue.toKey('completed'), id)
    .exists(`${queue.toKey(id)}:lock`)
    .exists(queue.toKey(id))
    .hget(queue.toKey(id), 'failedReason');
  return (next) => {
    const [delayed, failed, completed, isLocked, exists, failedReason] = take(6, next);
    if (typeof delayed === 'string') return { queue: delayedState(handled, delayed, failedReason) };
    if (typeof failed === 'string' || typeof completed === 'string' || exists !== 1)
      return { queue: { kind: 'gone' } };
    return { queue: { kind: isLocked === 1 ? 'active' : 'waiting' } };
  };
}

/** BullMQ's score is the time times 4096, plus a counter. */
const SCORE_STEP = 0x1000;

/** When a delayed one is looked at next: milliseconds since 1970. */
export const nextLook = (score: string): number => Math.floor(Number(score) / SCORE_STEP);

function delayedState(
  handled: Handled,
  score: string,
  failedReason: unknown,
): NonNullable<Live['queue']> {
  const next = nextLook(score);
  return handled.held !== undefined && isHeld(handled)
    ? { kind: 'held', reason: handled.held.reason, until: next }
    : { kind: 'retrying', error: typeof failedReason === 'string' ? failedReason : '', next };
}

function askJob(questions: Questions, prefix: string, { job, operarius }: Handled): Read {
  const name = job?.name ?? '';
  questions.zscore(placesKey(prefix), placeOf(operarius, name)).hget(cannotStartKey(prefix), name);
  return (next) => {
    const [place, reason] = take(2, next);
    return {
      job: typeof place === 'string' ? 'unfinished' : 'finished',
      ...(typeof reason === 'string' && { cannotStart: reason }),
    };
  };
}

const take = (count: number, next: () => unknown): unknown[] => Array.from({ length: count }, next);
