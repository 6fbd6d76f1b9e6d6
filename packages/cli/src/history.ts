import type { Entry } from '@openfero/core/history/entry';
import { Fold } from '@openfero/core/history/fold';
import { parseEntry } from '@openfero/core/history/parse';
import { historyKey } from '@openfero/core/redis/history';
import type { OpenRedis } from './redis.ts';

/** Entries that one command reads. */
const CHUNK = 1_000;

/** The history as far as it has been read. */
export interface HistoryReader {
  readonly fold: Fold;
  /** Reads what is new. */
  read(): Promise<void>;
}

export function createHistoryReader(open: OpenRedis): HistoryReader {
  const fold = new Fold();
  let last = '-';
  return {
    fold,
    async read() {
      for await (const [id, entry] of readEntries(open, last)) {
        fold.add(id, entry);
        last = `(${id}`;
      }
      fold.settle();
    },
  };
}

/** The entries of the history with their ids, in order. @param from as XRANGE takes it */
export async function* readEntries(
  { redis, prefix }: OpenRedis,
  from: string,
): AsyncGenerator<readonly [string, Entry]> {
  let next = from;
  for (;;) {
    const chunk = await redis.xrange(historyKey(prefix), next, '+', 'COUNT', CHUNK);
    for (const [id, fields] of chunk) {
      const entry = parseEntry(fields);
      if (entry !== undefined) yield [id, entry];
      next = `(${id}`;
    }
    if (chunk.length < CHUNK) return;
  }
}
