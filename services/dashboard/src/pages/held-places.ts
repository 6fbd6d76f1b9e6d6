import { jobOf, operariusOf, placesKey, placesOfKey } from '@openfero/core/redis/places';
import type { RedisConnection } from '@openfero/service/redis';

/** The places of unfinished Jobs. Without a limit there are none. */
export interface HeldPlaces {
  readonly count: number;
  /** The oldest: those that hang. */
  readonly oldest: readonly HeldPlace[];
}

export interface HeldPlace {
  readonly job: string;
  /** As its Job's label spells it. */
  readonly operarius: string;
  /** When it was taken: milliseconds since 1970, by Redis' clock. */
  readonly at: number;
}

const SHOWN = 10;

/** Reads who holds the places. @param operarius undefined: of all operarii together */
export async function readHeldPlaces(
  redis: RedisConnection,
  prefix: string,
  operarius: string | undefined,
): Promise<HeldPlaces> {
  const key = operarius === undefined ? placesKey(prefix) : placesOfKey(prefix, operarius);
  const [count, flat] = await Promise.all([
    redis.zcount(key, 0, '+inf'),
    redis.zrange(key, 0, '+inf', 'BYSCORE', 'LIMIT', 0, SHOWN, 'WITHSCORES'),
  ]);
  const places = flat.filter((_, index) => index % 2 === 0);
  const oldest = places.map((place, index) => ({
    job: jobOf(place),
    operarius: operariusOf(place),
    at: Number(flat[2 * index + 1]),
  }));
  return { count, oldest };
}
