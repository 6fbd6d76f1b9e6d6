import type { HeldReason } from '@openfero/core/outcome';
import {
  heldKey,
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
import type { Redis } from 'ioredis';
import type { JobOfOperarius } from './cluster.ts';

/** Who wants a place, and under which limits (0 = none). Times in milliseconds, Redis' clock. */
export interface Claim {
  readonly job: string;
  readonly operarius: string;
  readonly remediation: string;
  readonly receivedAt: number;
  readonly now: number;
  readonly maxActive: number;
}

/** The places of unfinished Jobs over all workers. Every call throws the Redis client's errors. */
export interface Places {
  /** Takes the Job's place. @returns why there is none, or undefined once it is taken */
  take(claim: Claim): Promise<HeldReason | undefined>;
  /** Gives the Job's place back, and calls for the remediation that waits for it. */
  release(job: JobOfOperarius): Promise<void>;
  /**
   * Puts the places right: after a crash, an end that nobody saw, or when Redis has lost them.
   *
   * @param asOf what the cluster said then (ms, Redis' clock); younger places are left alone
   */
  reconcile(asOf: number, unfinished: Iterable<JobOfOperarius>): Promise<void>;
  /** Notes that a remediation is held until then, for the gauge. */
  hold(reason: HeldReason, remediation: string, until: number): Promise<void>;
  /** Forgets what {@link Places.hold} noted. */
  unhold(reason: string, remediation: string): Promise<void>;
  /** How many are held for a reason. */
  held(reason: HeldReason, now: number): Promise<number>;
}

interface Context {
  readonly redis: Redis;
  readonly prefix: string;
  /** OPENFERO_MAX_ACTIVE_JOBS. */
  readonly maxActiveJobs: number;
  /** Looks at a held remediation now rather than when its delay is over. */
  readonly promote: (remediation: string) => Promise<void>;
}

/**
 * Milliseconds before the watch's instant within which a place may be ahead of the watch: a create
 * that is under way (bounded by its time limit) and the server's delay in telling of it.
 */
const AHEAD_OF_WATCH = 15_000;

/** Milliseconds after its planned look at which a held remediation is taken for gone. */
const OVERDUE = 60_000;

export function places(context: Context): Places {
  const { redis, prefix, maxActiveJobs, promote } = context;
  const take = script(redis, TAKE_PLACE);
  const release = script(redis, RELEASE_PLACE);
  const keys = (operarius: string): string[] => [
    placesKey(prefix),
    placesOfKey(prefix, operarius),
    waitingKey(prefix),
    waitingOfKey(prefix, operarius),
  ];
  const releasePlace = async (operarius: string, place: string): Promise<void> => {
    const next = await release(keys(operarius), [place]);
    if (typeof next === 'string' && next !== '') await promote(next);
  };
  return {
    async take({ job, operarius, remediation, receivedAt, now, maxActive }) {
      if (maxActiveJobs === 0 && maxActive === 0) return undefined;
      const place = placeOf(operarius, job);
      const args = [place, maxActiveJobs, maxActive, now, remediation, receivedAt];
      const answer = await take(keys(operarius), args);
      return answer === 'max-active-jobs' || answer === 'max-active' ? answer : undefined;
    },
    release: ({ name, operarius }) => releasePlace(operarius, placeOf(operarius, name)),
    async reconcile(asOf, jobs) {
      const unfinished = new Set([...jobs].map(({ name, operarius }) => placeOf(operarius, name)));
      const taken = scores(await redis.zrange(placesKey(prefix), '0', '-1', 'WITHSCORES'));
      for (const place of [...unfinished].filter((one) => !taken.has(one))) {
        await redis.zadd(placesKey(prefix), asOf, place);
        await redis.zadd(placesOfKey(prefix, operariusOf(place)), asOf, place);
      }
      const known = asOf - AHEAD_OF_WATCH;
      for (const [place, at] of taken) {
        if (at < known && !unfinished.has(place)) await releasePlace(operariusOf(place), place);
      }
    },
    async hold(reason, remediation, until) {
      await redis.zadd(heldKey(prefix, reason), until, remediation);
    },
    async unhold(reason, remediation) {
      await redis.zrem(heldKey(prefix, reason), remediation);
    },
    async held(reason, now) {
      // A remediation that a person removed never says that it is held no more.
      await redis.zremrangebyscore(heldKey(prefix, reason), '-inf', now - OVERDUE);
      return redis.zcard(heldKey(prefix, reason));
    },
  };
}

/** Members and scores as Redis lists them, in turn. */
function scores(flat: readonly string[]): Map<string, number> {
  const members = flat.filter((_, index) => index % 2 === 0);
  return new Map(members.map((member, index) => [member, Number(flat[2 * index + 1])]));
}
