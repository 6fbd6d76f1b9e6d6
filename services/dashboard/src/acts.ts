import { encodeEntry } from '@openfero/core/history/encode';
import { ACTS, type Act } from '@openfero/core/history/entry';
import { APPEND, appendArguments } from '@openfero/core/redis/history';
import { readTime } from '@openfero/core/redis/memory';
import { startAtZero } from '@openfero/service/metrics';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';
import { Counter, type Registry } from 'prom-client';
import type { Change } from './routes.ts';

/** Writes into the history what a person did. */
export type RecordAct = (change: Change, subject: string, by: Person) => Promise<void>;

export interface Person {
  readonly user: string;
  readonly address: string;
}

const ACT_OF: Readonly<Record<Change, Act>> = {
  retry: 'retry',
  'retry all': 'retry',
  remove: 'remove',
  clean: 'clean',
  rerun: 'rerun',
  approve: 'approve',
  deny: 'deny',
  rearm: 'rearm',
};

/** Only the workers know OPENFERO_HISTORY_COUNT, and trim: a dashboard never makes the history shorter. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

export function createActs(redis: RedisConnection, prefix: string): RecordAct {
  const append = script(redis, APPEND);
  return async (change, subject, { user, address }) => {
    const at = readTime(await redis.time());
    const isOne = change !== 'retry all' && change !== 'clean';
    const id = isOne ? subject : '';
    const entry = encodeEntry({ kind: 'act', act: ACT_OF[change], id, user, address, at });
    const { keys, args } = appendArguments(prefix, NO_LIMIT, [entry]);
    await append(keys, args);
  };
}

/** Creates the counter of what people did through this dashboard. */
export function createActCounter(metrics: Registry): (change: Change, changed: number) => void {
  const acts = new Counter<'act'>({
    name: 'openfero_acts_total',
    help: 'Remediations that people retried, removed, cleaned, had run again, approved or denied, and operarii that they re-armed, through this dashboard, by act',
    labelNames: ['act'],
    registers: [metrics],
  });
  startAtZero<'act'>(acts, 'act', ACTS, {});
  return (change, changed) => acts.inc({ act: ACT_OF[change] }, changed);
}
