import type { UnfinishedJob } from '@openfero/cluster/cluster';
import { operariusOf, placeOf, placesKey, placesOfKey } from '@openfero/core/redis/places';
import {
  CORRECT_TARGETS,
  readCorrected,
  targetsKey,
  waitingForTargetKey,
} from '@openfero/core/redis/targets';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';
import { AHEAD_OF_WATCH } from './lock.ts';
import type { Waking } from './waking.ts';

/** Places that one command corrects: other commands get their turn in between. */
const CHUNK = 500;

/** What the cluster says of the Jobs that have places. */
interface Unfinished {
  /** When it said so (ms, Redis' clock); younger places are left alone. */
  readonly asOf: number;
  readonly jobs: readonly UnfinishedJob[];
}

interface Store {
  readonly redis: RedisConnection;
  readonly prefix: string;
}

/**
 * Takes the places of Jobs that exist and have none, and gives back those of Jobs that do not exist.
 *
 * @param release gives a place back that was taken before then, and calls whoever waits for it
 */
export async function correctPlaces(
  { redis, prefix }: Store,
  { asOf, jobs }: Unfinished,
  release: (place: string, before: number) => Promise<void>,
): Promise<void> {
  /** In bulk, since each command waits for its fsync and without limits every unfinished Job is missing. */
  const add = async (missed: readonly string[]): Promise<void> => {
    const signed = missed.flatMap((place) => [asked.has(place) ? -asOf : asOf, place]);
    await redis.zadd(placesKey(prefix), ...signed);
    for (const [operarius, those] of Map.groupBy(missed, operariusOf)) {
      const set = placesOfKey(prefix, operarius);
      await redis.zadd(set, ...those.flatMap((place) => [asOf, place]));
    }
  };
  const known = asOf - AHEAD_OF_WATCH;
  const all = jobs.map((job) => ({ ...job, place: placeOf(job.operarius, job.name) }));
  const unfinished = new Set(all.map(({ place }) => place));
  const asked = new Set(all.filter(({ isAsked }) => isAsked === true).map(({ place }) => place));
  const taken = scores(await redis.zrange(placesKey(prefix), '0', '-1', 'WITHSCORES'));
  // A released one has a place over all from then on.
  const isRight = (place: string): boolean => {
    const at = taken.get(place);
    if (at === undefined) return false;
    return Math.abs(at) >= known || at < 0 === asked.has(place);
  };
  const missed = [...unfinished].filter((one) => !isRight(one));
  for (let start = 0; start < missed.length; start += CHUNK) {
    await add(missed.slice(start, start + CHUNK));
  }
  for (const [place, at] of taken) {
    if (Math.abs(at) < known && !unfinished.has(place)) await release(place, known);
  }
}

/**
 * Takes the targets of Jobs that exist, frees those of Jobs that do not, and calls who waits for these.
 *
 * @returns whether all targets are known now
 */
export async function correctTargets(
  { redis, prefix }: Store,
  { asOf, jobs }: Unfinished,
  waking: Waking,
): Promise<boolean> {
  const working = jobs.flatMap(({ name, operarius, target, isAsked }) =>
    target === undefined || isAsked === true ? [] : [target, placeOf(operarius, name)],
  );
  const times = [Math.floor(asOf), Math.floor(asOf - AHEAD_OF_WATCH)];
  const answer = await script(redis, CORRECT_TARGETS)([targetsKey(prefix)], [...times, ...working]);
  const { areKnown, freed } = readCorrected(answer);
  for (const target of freed) {
    const next = async (): Promise<string[]> => {
      const [first] = await redis.zpopmin(waitingForTargetKey(prefix, target));
      return first === undefined ? [] : [first];
    };
    await waking.wake(await next(), next);
  }
  return areKnown;
}

/** Members and scores as Redis lists them, in turn. */
function scores(flat: readonly string[]): Map<string, number> {
  const members = flat.filter((_, index) => index % 2 === 0);
  return new Map(members.map((member, index) => [member, Number(flat[2 * index + 1])]));
}
