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

export function createHistoryReader({ redis, prefix }: OpenRedis): HistoryReader {
  const fold = new Fold();
  let last = '-';
  const readChunk = async (): Promise<number> => {
    const entries = await redis.xrange(historyKey(prefix), last, '+', 'COUNT', CHUNK);
    for (const [id, fields] of entries) {
      const entry = parseEntry(fields);
      if (entry !== undefined) fold.add(id, entry);
      last = `(${id}`;
    }
    return entries.length;
  };
  return {
    fold,
    async read() {
      while ((await readChunk()) === CHUNK);
      fold.settle();
    },
  };
}
