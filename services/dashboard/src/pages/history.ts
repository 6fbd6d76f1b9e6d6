import type { Entry } from '@openfero/core/history/entry';
import type { Fold } from '@openfero/core/history/fold';
import { parseEntry } from '@openfero/core/history/parse';
import { historyKey } from '@openfero/core/redis/history';
import type { RedisConnection } from '@openfero/service/redis';

/** The time that the history covers. */
export interface Span {
  /** The id of its oldest entry. */
  readonly first: string;
  /** The cursor of its newest row: a page has seen all up to it. */
  readonly last: string;
}

/** Undefined where there is no entry. */
export async function readSpan(
  redis: RedisConnection,
  prefix: string,
  fold: Fold,
): Promise<Span | undefined> {
  const [first] = await redis.xrange(historyKey(prefix), '-', '+', 'COUNT', 1);
  if (first === undefined) return undefined;
  return { first: first[0], last: lastOf(fold) };
}

/** Of a history without rows. */
export const NOTHING = '0-0';

/** The cursor of the newest row. */
export function lastOf(fold: Fold): string {
  for (const { cursor } of fold.rows()) return cursor;
  return NOTHING;
}

/** Entries of one story: an alert that Alertmanager repeats for a month has some 200. */
const MOST_ENTRIES = 500;

/** Reads the entries about an occurrence, oldest first. Those that are trimmed by now are left out. */
export async function readEntries(
  redis: RedisConnection,
  prefix: string,
  ids: readonly string[],
): Promise<readonly Entry[]> {
  const reading = redis.pipeline();
  for (const id of ids.slice(-MOST_ENTRIES)) reading.xrange(historyKey(prefix), id, id);
  const answers = (await reading.exec()) ?? [];
  return answers
    .map(([error, found]) => {
      if (error) throw error;
      return entryIn(found);
    })
    .filter((entry) => entry !== undefined);
}

function entryIn(found: unknown): Entry | undefined {
  const [first] = Array.isArray(found) ? found : [];
  const [, fields] = Array.isArray(first) ? first : [];
  return Array.isArray(fields) ? parseEntry(fields.map(String)) : undefined;
}
