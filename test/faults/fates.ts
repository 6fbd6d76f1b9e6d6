import type { FateEntry } from '@openfero/core/history/entry';
import { parseEntry } from '@openfero/core/history/parse';
import { fateField } from '@openfero/core/redis/fates';
import { historyKey, SKIPPED_FIELD, totalsKey } from '@openfero/core/redis/history';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { until } from '@openfero/testkit/until';
import type { Redis } from 'ioredis';

/** What Redis holds of the ends of Jobs. */
export interface ToldFates {
  readonly fates: readonly FateEntry[];
  /** The hash that openfero_jobs_total is read from. */
  readonly totals: Readonly<Record<string, string>>;
}

/** A Job of the cluster. */
interface Job {
  readonly name: string;
  readonly uid: string;
  readonly operarius: string;
  readonly hasEnded: boolean;
}

/** Milliseconds: an end that Redis did not accept is told again within a minute. */
const TOLD_WITHIN = 90_000;

/** Reads them once as many are told as Jobs have ended, or after the limit. */
export async function readFates(redis: Redis, jobs: readonly Job[]): Promise<ToldFates> {
  const ended = jobs.filter(({ hasEnded }) => hasEnded).length;
  const read = async (): Promise<ToldFates> => {
    const entries = await redis.xrange(historyKey(DEFAULT_PREFIX), '-', '+');
    const fates = entries
      .map(([, fields]) => parseEntry(fields))
      .filter((entry) => entry?.kind === 'fate');
    return { fates, totals: await redis.hgetall(totalsKey(DEFAULT_PREFIX)) };
  };
  const isTold = async (): Promise<boolean> => (await read()).fates.length >= ended;
  await until('all fates are told', isTold, TOLD_WITHIN).catch(() => undefined);
  return read();
}

/** Jobs that have ended and whose fate is not in the history, unless it was nearly full. */
export function untold(jobs: readonly Job[], { fates, totals }: ToldFates): string[] {
  const told = new Set(fates.map(({ uid }) => uid));
  const missing = jobs.filter(({ uid, hasEnded }) => hasEnded && !told.has(uid));
  return missing.length <= Number(totals[SKIPPED_FIELD] ?? 0)
    ? []
    : missing.map(({ name }) => `nobody told the end of Job ${name}`);
}

export function toldTwice({ fates }: ToldFates): string[] {
  const seen = new Set<string>();
  return fates
    .filter(({ uid }) => seen.size === seen.add(uid).size)
    .map(({ job }) => `the end of Job ${job} was told twice`);
}

/** What is counted must be what ended in the cluster: all Jobs of a run succeed. */
export function miscounted(jobs: readonly Job[], { totals }: ToldFates): string[] {
  const { [SKIPPED_FIELD]: _skipped, ...counted } = totals;
  const ended = jobs.filter(({ hasEnded }) => hasEnded);
  const expected = Map.groupBy(ended, ({ operarius }) => fateField(operarius, 'succeeded'));
  return [...new Set([...Object.keys(counted), ...expected.keys()])]
    .map((field) => [field, Number(counted[field] ?? 0), expected.get(field)?.length ?? 0] as const)
    .filter(([, is, should]) => is !== should)
    .map(([field, is, should]) => `totals count ${is} for ${field}, but ${should} Jobs ended so`);
}
