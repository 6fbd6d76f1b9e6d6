import { encodeEntry } from '@openfero/core/history/encode';
import type { Act } from '@openfero/core/history/entry';
import { APPEND, appendArguments } from '@openfero/core/redis/history';
import { readTime } from '@openfero/core/redis/memory';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';
import type { Change } from './routes.ts';

/** Writes into the history what a person did. */
export type RecordAct = (change: Change, subject: string, by: Person) => Promise<void>;

export interface Person {
  readonly user: string;
  readonly address: string;
}

const ACTS: Readonly<Record<Change, Act>> = {
  retry: 'retry',
  'retry all': 'retry',
  remove: 'remove',
  clean: 'clean',
};

/** Only the workers know OPENFERO_HISTORY_COUNT, and trim: a dashboard never makes the history shorter. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

export function createActs(redis: RedisConnection, prefix: string): RecordAct {
  const append = script(redis, APPEND);
  return async (change, subject, { user, address }) => {
    const at = readTime(await redis.time());
    const isOne = change === 'retry' || change === 'remove';
    const id = isOne ? subject : '';
    const entry = encodeEntry({ kind: 'act', act: ACTS[change], id, user, address, at });
    const { keys, args } = appendArguments(prefix, NO_LIMIT, [entry]);
    await append(keys, args);
  };
}
