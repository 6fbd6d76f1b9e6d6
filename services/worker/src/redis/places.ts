import type { JobOfOperarius } from '@openfero/cluster/cluster';
import type { HeldReason } from '@openfero/core/outcome';
import {
  HOLD,
  heldKey,
  NEXT_WAITING,
  operariusOf,
  placeOf,
  placesKey,
  placesOfKey,
  RELEASE_PLACE,
  TAKE_PLACE,
  waitingKey,
  waitingOfKey,
} from '@openfero/core/redis/places';
import { script } from '@openfero/service/script';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

/** Who wants a place, and under which limits (0 = none). */
export interface PlaceRequest {
  readonly job: string;
  readonly operarius: string;
  readonly remediation: string;
  /** Milliseconds, Redis' clock: the one received first gets the next place. */
  readonly receivedAt: number;
  readonly maxActive: number;
}

/** A remediation that is held. */
export interface Held {
  readonly reason: HeldReason;
  readonly remediation: string;
  readonly operarius: string;
}

/** The places of unfinished Jobs over all workers. Every call throws the Redis client's errors. */
export interface Places {
  /** Takes the Job's place. @returns why there is none, or undefined once it is taken */
  take(request: PlaceRequest): Promise<HeldReason | undefined>;
  /** Gives the Job's place back, and wakes the remediation that waits for it. */
  release(job: JobOfOperarius): Promise<void>;
  /**
   * Corrects the places from the Jobs that exist: after a crash, a missed end, or a loss of Redis.
   *
   * @param asOf when the cluster said so (ms, Redis' clock); younger places are left alone
   */
  reconcile(asOf: number, unfinished: Iterable<JobOfOperarius>): Promise<void>;
  /** Records that a delayed remediation is held until then (ms), or wakes it if it has a place. */
  hold(held: Held, until: number): Promise<void>;
  /** Removes the record of {@link Places.hold}: the remediation is being tried. */
  unhold(held: Held): Promise<void>;
  /** How many are held for a reason. */
  held(reason: HeldReason, now: number): Promise<number>;
}

interface Context {
  readonly redis: Redis;
  readonly prefix: string;
  /** OPENFERO_MAX_ACTIVE_JOBS. */
  readonly maxActiveJobs: number;
  readonly queue: Queue;
}

/**
 * Milliseconds by which a place may be ahead of the watch: a create that is under way (bounded by its
 * time limit) and the server's delay in reporting it.
 */
const AHEAD_OF_WATCH = 15_000;

/** Milliseconds after its planned retry at which a held remediation counts as gone. */
const OVERDUE = 60_000;

/** Places that one command corrects: other commands get their turn in between. */
const CHUNK = 500;

export function createPlaces({ redis, prefix, maxActiveJobs, queue }: Context): Places {
  const takeScript = script(redis, TAKE_PLACE);
  const releaseScript = script(redis, RELEASE_PLACE);
  const nextWaitingScript = script(redis, NEXT_WAITING);
  const holdScript = script(redis, HOLD);
  const keys = (operarius: string): string[] => [
    placesKey(prefix),
    placesOfKey(prefix, operarius),
    waitingKey(prefix),
    waitingOfKey(prefix, operarius),
  ];
  /** Skips those that were removed, or are active already. */
  const wake = async (first: unknown, operarius: string): Promise<void> => {
    let next = first;
    while (typeof next === 'string' && next !== '' && !(await promoted(queue, next))) {
      next = await nextWaitingScript(keys(operarius), []);
    }
  };
  const releasePlace = async (operarius: string, place: string): Promise<void> =>
    wake(await releaseScript(keys(operarius), [place]), operarius);
  /** In bulk, since each command waits for its fsync and without limits every unfinished Job is missing. */
  const add = async (missed: readonly string[], asOf: number): Promise<void> => {
    await redis.zadd(placesKey(prefix), ...missed.flatMap((place) => [asOf, place]));
    for (const [operarius, those] of Map.groupBy(missed, operariusOf)) {
      const set = placesOfKey(prefix, operarius);
      await redis.zadd(set, ...those.flatMap((place) => [asOf, place]));
    }
  };
  return {
    async take({ job, operarius, remediation, receivedAt, maxActive }) {
      if (maxActiveJobs === 0 && maxActive === 0) return undefined;
      const place = placeOf(operarius, job);
      const args = [place, maxActiveJobs, maxActive, remediation, receivedAt];
      const answer = await takeScript(keys(operarius), args);
      const [reason, instead] = Array.isArray(answer) ? answer : [];
      await wake(instead, operarius);
      return reason === 'max-active-jobs' || reason === 'max-active' ? reason : undefined;
    },
    release: ({ name, operarius }) => releasePlace(operarius, placeOf(operarius, name)),
    async reconcile(asOf, jobs) {
      const unfinished = new Set([...jobs].map(({ name, operarius }) => placeOf(operarius, name)));
      const taken = scores(await redis.zrange(placesKey(prefix), '0', '-1', 'WITHSCORES'));
      const missed = [...unfinished].filter((one) => !taken.has(one));
      for (let start = 0; start < missed.length; start += CHUNK) {
        await add(missed.slice(start, start + CHUNK), asOf);
      }
      const known = asOf - AHEAD_OF_WATCH;
      for (const [place, at] of taken) {
        if (at < known && !unfinished.has(place)) await releasePlace(operariusOf(place), place);
      }
    },
    async hold({ reason, remediation, operarius }, until) {
      const waits = {
        'max-active-jobs': [waitingKey(prefix)],
        'max-active': [waitingOfKey(prefix, operarius)],
        cooldown: [],
      };
      const recorded = await holdScript(
        [heldKey(prefix, reason), ...waits[reason]],
        [remediation, until],
      );
      if (recorded === 0) await promoted(queue, remediation);
    },
    async unhold({ reason, remediation, operarius }) {
      const sets = [heldKey(prefix, reason), waitingKey(prefix), waitingOfKey(prefix, operarius)];
      await Promise.all(sets.map((set) => redis.zrem(set, remediation)));
    },
    async held(reason, now) {
      // A remediation that a person removed never ends its own record.
      await redis.zremrangebyscore(heldKey(prefix, reason), '-inf', now - OVERDUE);
      return redis.zcard(heldKey(prefix, reason));
    },
  };
}

/** Has a held remediation tried now. @returns false where it is no longer held */
async function promoted(queue: Queue, remediation: string): Promise<boolean> {
  try {
    const job = await queue.getJob(remediation);
    await job?.promote();
    return job !== undefined;
  } catch {
    // Not delayed, or Redis is unreachable: then it is tried when its delay is over.
    return false;
  }
}

/** Members and scores as Redis lists them, in turn. */
function scores(flat: readonly string[]): Map<string, number> {
  const members = flat.filter((_, index) => index % 2 === 0);
  return new Map(members.map((member, index) => [member, Number(flat[2 * index + 1])]));
}
