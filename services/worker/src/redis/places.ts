import type { JobOfOperarius, UnfinishedJob } from '@openfero/cluster/cluster';
import {
  END_JOB,
  type EndOfJob,
  endJobArguments,
  type JobEndTold,
  readEndJob,
} from '@openfero/core/redis/fates';
import { type Look, readLook } from '@openfero/core/redis/memory';
import {
  JOB_FIELD,
  NEXT_WAITING,
  operariusOf,
  placeKeys,
  placeOf,
  RELEASE_LEFT_OVER,
  RELEASE_PLACE,
  readKeptJob,
} from '@openfero/core/redis/places';
import { GIVE_BACK, TAKE_PLACE } from '@openfero/core/redis/take-place';
import { targetKeys, waitingForTargetKey } from '@openfero/core/redis/targets';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';
import type { Queue } from 'bullmq';
import { correctPlaces, correctTargets } from './correct-places.ts';
import { createHolding, type Holding } from './holding.ts';
import {
  type CommonLimits,
  giveBackArguments,
  type PlaceRequest,
  type PlannedJob,
  type QueueEntry,
  readTaken,
  type Taken,
  takeArguments,
} from './take-place.ts';
import { createWaking } from './waking.ts';

/** The places of unfinished Jobs over all workers, and the claims. Every call throws the Redis client's errors. */
export interface Places extends Holding {
  /**
   * Takes the Job's place, claims its trouble, and keeps the Job's name in the queue, at the last moment
   * before the create.
   *
   * @returns also what Redis knew at that moment
   */
  take(request: PlaceRequest): Promise<{ readonly taken: Taken; readonly look: Look }>;
  /** Undoes {@link Places.take} where no Job came of it, unless the remediation is another attempt's by now. */
  giveBack(planned: PlannedJob): Promise<void>;
  /** The name of the Job that an earlier attempt was about to create, if {@link Places.take} kept one. */
  keptJob(remediation: QueueEntry): Promise<string | undefined>;
  /** Gives back what a Job had that is over, and wakes the remediations that wait for it. */
  release(job: JobOfOperarius): Promise<void>;
  /**
   * The same, and records the fate of a Job that has ended, once over all workers and all calls.
   *
   * @returns whether this call was the one that recorded it, and the row of bad runs that stopped its operarius
   * @throws where Redis did not record it: tell it again
   */
  end(
    job: JobOfOperarius,
    fate: Omit<EndOfJob, 'job' | 'operarius' | 'target'>,
  ): Promise<Pick<JobEndTold, 'first' | 'row'>>;
  /** Wakes the remediations that wait longest: the one that was called does not need it. */
  passOn(operarius: string, target: string | undefined): Promise<void>;
  /**
   * Corrects places and targets from the Jobs that exist: after a crash, a missed end, or a loss of Redis.
   *
   * @param asOf when the cluster said so (ms, Redis' clock); what is younger is left alone
   * @returns whether all targets are known: call it again soon where they are not
   */
  reconcile(asOf: number, unfinished: Iterable<UnfinishedJob>): Promise<boolean>;
}

interface Context extends CommonLimits {
  readonly redis: RedisConnection;
  readonly prefix: string;
  /** OPENFERO_HISTORY_COUNT. */
  readonly historyCount: number;
  readonly queue: Queue;
  /** Redis has lost which targets are being worked on. */
  readonly onLost?: () => void;
}

export function createPlaces(context: Context): Places {
  const { redis, prefix, historyCount, queue } = context;
  const takeScript = script(redis, TAKE_PLACE);
  const giveBackScript = script(redis, GIVE_BACK);
  const releaseScript = script(redis, RELEASE_PLACE);
  const releaseLeftOverScript = script(redis, RELEASE_LEFT_OVER);
  const nextWaitingScript = script(redis, NEXT_WAITING);
  const endScript = script(redis, END_JOB);
  const waking = createWaking(queue);
  const next = (operarius: string, target?: string): Promise<unknown> =>
    nextWaitingScript(
      [
        ...placeKeys(prefix, operarius),
        ...(target === undefined ? [] : [waitingForTargetKey(prefix, target)]),
      ],
      [],
    );
  const wake = (called: unknown, operarius: string, target?: string): Promise<void> =>
    waking.wake(called, () => next(operarius, target));
  const releaseLeftOver = async (place: string, before: number): Promise<void> => {
    const operarius = operariusOf(place);
    const called = await releaseLeftOverScript(placeKeys(prefix, operarius), [place, before]);
    await wake(called, operarius);
  };
  return {
    ...createHolding(redis, context, waking),
    async take(request) {
      const { operarius, target } = request;
      const more = takeArguments(prefix, context, request);
      const answer = await takeScript([...placeKeys(prefix, operarius), ...more.keys], more.args);
      const [got, ...seen] = Array.isArray(answer) ? answer : [];
      const taken = readTaken(got);
      if (taken.kind === 'held') await wake(taken.instead, operarius, target);
      if (taken.isLost) context.onLost?.();
      return { taken, look: readLook(seen) };
    },
    keptJob: async ({ key }) => readKeptJob(await redis.hget(key, JOB_FIELD)),
    async release({ name, operarius, target }) {
      const keys = [...placeKeys(prefix, operarius), ...targetKeys(prefix, target)];
      const called = await releaseScript(keys, [placeOf(operarius, name), target ?? '']);
      await wake(called, operarius, target);
    },
    async giveBack(planned) {
      const { operarius, target } = planned;
      const more = giveBackArguments(prefix, planned);
      const keys = [...placeKeys(prefix, operarius), ...more.keys];
      await wake(await giveBackScript(keys, more.args), operarius, target);
    },
    async end({ name: job, operarius, target }, fate) {
      const end = { ...fate, job, operarius, target };
      const { keys, args } = endJobArguments(prefix, end, historyCount);
      const told = readEndJob(await endScript(keys, args));
      await wake(told.next, operarius, target);
      if (told.refused !== undefined) throw new Error(told.refused);
      return told;
    },
    passOn: async (operarius, target) => wake(await next(operarius, target), operarius, target),
    async reconcile(asOf, jobs) {
      const unfinished = { asOf, jobs: [...jobs] };
      await correctPlaces({ redis, prefix }, unfinished, releaseLeftOver);
      return correctTargets({ redis, prefix }, unfinished, waking);
    },
  };
}
