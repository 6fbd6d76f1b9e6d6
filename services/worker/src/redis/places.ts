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
  placeOf,
  placesKey,
  placesOfKey,
  RELEASE_PLACE,
  readKeptJob,
  waitingKey,
  waitingOfKey,
} from '@openfero/core/redis/places';
import { TAKE_PLACE } from '@openfero/core/redis/take-place';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';
import type { Queue } from 'bullmq';
import { correctPlaces } from './correct-places.ts';
import { createHolding, type Holding } from './holding.ts';
import {
  type PlaceRequest,
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
  /** The name of the Job that an earlier attempt was about to create, if {@link Places.take} kept one. */
  keptJob(remediation: QueueEntry): Promise<string | undefined>;
  /** Gives the Job's place back, and wakes the remediation that waits for it. */
  release(job: JobOfOperarius): Promise<void>;
  /**
   * The same, and records the fate of a Job that has ended, once over all workers and all calls.
   *
   * @returns whether this call was the one that recorded it, and the row of bad runs that stopped its operarius
   * @throws where Redis did not record it: tell it again
   */
  end(
    job: JobOfOperarius,
    fate: Omit<EndOfJob, 'job' | 'operarius'>,
  ): Promise<Pick<JobEndTold, 'first' | 'row'>>;
  /** Wakes the remediation that waits longest: the one that was called for a place does not need it. */
  passOn(operarius: string): Promise<void>;
  /**
   * Corrects the places from the Jobs that exist: after a crash, a missed end, or a loss of Redis.
   *
   * @param asOf when the cluster said so (ms, Redis' clock); younger places are left alone
   */
  reconcile(asOf: number, unfinished: Iterable<UnfinishedJob>): Promise<void>;
}

interface Context {
  readonly redis: RedisConnection;
  readonly prefix: string;
  /** OPENFERO_MAX_ACTIVE_JOBS. */
  readonly maxActiveJobs: number;
  /** OPENFERO_HISTORY_COUNT. */
  readonly historyCount: number;
  readonly queue: Queue;
}

export function createPlaces(context: Context): Places {
  const { redis, prefix, maxActiveJobs, historyCount, queue } = context;
  const takeScript = script(redis, TAKE_PLACE);
  const releaseScript = script(redis, RELEASE_PLACE);
  const nextWaitingScript = script(redis, NEXT_WAITING);
  const endScript = script(redis, END_JOB);
  const waking = createWaking(queue);
  const keys = (operarius: string): string[] => [
    placesKey(prefix),
    placesOfKey(prefix, operarius),
    waitingKey(prefix),
    waitingOfKey(prefix, operarius),
  ];
  const wake = (first: unknown, operarius: string): Promise<void> =>
    waking.wake(first, () => nextWaitingScript(keys(operarius), []));
  const releasePlace = async (operarius: string, place: string): Promise<void> =>
    wake(await releaseScript(keys(operarius), [place]), operarius);
  return {
    ...createHolding(redis, context, waking),
    async take(request) {
      const { operarius } = request;
      const more = takeArguments(prefix, maxActiveJobs, request);
      const answer = await takeScript([...keys(operarius), ...more.keys], more.args);
      const [got, ...seen] = Array.isArray(answer) ? answer : [];
      const taken = readTaken(got);
      if (taken.kind === 'held') await wake(taken.instead, operarius);
      return { taken, look: readLook(seen) };
    },
    keptJob: async ({ key }) => readKeptJob(await redis.hget(key, JOB_FIELD)),
    release: ({ name, operarius }) => releasePlace(operarius, placeOf(operarius, name)),
    async end({ name: job, operarius }, fate) {
      const { keys, args } = endJobArguments(prefix, { ...fate, job, operarius }, historyCount);
      const told = readEndJob(await endScript(keys, args));
      await wake(told.next, operarius);
      if (told.refused !== undefined) throw new Error(told.refused);
      return told;
    },
    passOn: async (operarius) => wake(await nextWaitingScript(keys(operarius), []), operarius),
    reconcile: (asOf, jobs) =>
      correctPlaces({ redis, prefix }, { asOf, jobs }, (place) =>
        releasePlace(operariusOf(place), place),
      ),
  };
}
