import type { FateEntry } from '@openfero/core/history/entry';
import { parseEntry } from '@openfero/core/history/parse';
import { FATE_TTL, fateField, fateKey, readFateField } from '@openfero/core/redis/fates';
import { historyKey, SKIPPED_FIELD, totalsKey } from '@openfero/core/redis/history';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { until } from '@openfero/testkit/until';
import type { Redis } from 'ioredis';

/** What Redis holds of the ends of Jobs. */
export interface ToldFates {
  /** Those that are still in the history. */
  readonly fates: readonly FateEntry[];
  /** When the end of each Job was recorded, by its uid: milliseconds, Redis' clock. */
  readonly recordedAt: ReadonlyMap<string, number>;
  /** The history was trimmed up to here (it has a quarter of maxmemory): milliseconds, Redis' clock. */
  readonly trimmedTo: number;
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

/** Reads them once all are told, or after the limit. */
export async function readFates(
  redis: Redis,
  jobs: readonly Job[],
  limit = TOLD_WITHIN,
): Promise<ToldFates> {
  const isTold = async (): Promise<boolean> =>
    untold(jobs, await readNow(redis, jobs)).length === 0;
  await until('all fates are told', isTold, limit).catch(() => undefined);
  return readNow(redis, jobs);
}

async function readNow(redis: Redis, jobs: readonly Job[]): Promise<ToldFates> {
  const uids = jobs.filter(({ hasEnded }) => hasEnded).map(({ uid }) => uid);
  const recorded = await Promise.all(
    uids.map(async (uid) => {
      const end = await redis.pexpiretime(fateKey(DEFAULT_PREFIX, uid));
      return [uid, end - FATE_TTL] as const;
    }),
  );
  const entries = await redis.xrange(historyKey(DEFAULT_PREFIX), '-', '+');
  return {
    fates: entries
      .map(([, fields]) => parseEntry(fields))
      .filter((entry) => entry?.kind === 'fate'),
    recordedAt: new Map(recorded.filter(([, at]) => at > 0)),
    trimmedTo: await trimmedTo(redis, entries[0]?.[0]),
    totals: await redis.hgetall(totalsKey(DEFAULT_PREFIX)),
  };
}

/** 0 where every entry is still there. `max-deleted-entry-id` does not tell: it ignores what is trimmed. */
async function trimmedTo(redis: Redis, first = ''): Promise<number> {
  const key = historyKey(DEFAULT_PREFIX);
  if ((await redis.exists(key)) === 0) return 0;
  const info = await redis.xinfo('STREAM', key);
  const fields = Array.isArray(info) ? info : [];
  const numberOf = (name: string): number => Number(fields[fields.indexOf(name) + 1]);
  if (numberOf('entries-added') === numberOf('length')) return 0;
  return first === '' ? Number.POSITIVE_INFINITY : Number(first.split('-', 1)[0]);
}

/**
 * Jobs that have ended and of whose end the history says nothing, unless it was trimmed since: whether and
 * when an end was recorded stands in Redis for each Job by itself. What was recorded while Redis was nearly
 * full was not appended, and is only counted.
 */
export function untold(
  jobs: readonly Job[],
  { fates, recordedAt, trimmedTo: trimmed, totals }: ToldFates,
): string[] {
  const told = new Set(fates.map(({ uid }) => uid));
  const missing = jobs
    .filter(({ uid, hasEnded }) => hasEnded && !told.has(uid))
    .map(({ name, uid }) => ({ name, at: recordedAt.get(uid) }));
  const unrecorded = missing.filter(({ at }) => at === undefined);
  const gone = missing.filter(({ at = 0 }) => at > trimmed);
  return [
    ...unrecorded.map(({ name }) => `nobody told the end of Job ${name}`),
    ...(gone.length <= Number(totals[SKIPPED_FIELD] ?? 0)
      ? []
      : gone.map(({ name }) => `the end of Job ${name} is not in the history`)),
  ];
}

export function toldTwice({ fates }: ToldFates): string[] {
  const seen = new Set<string>();
  return fates
    .filter(({ uid }) => seen.size === seen.add(uid).size)
    .map(({ job }) => `the end of Job ${job} was told twice`);
}

/** What is counted must be what ended in the cluster: all Jobs of a run succeed. */
export function miscounted(jobs: readonly Job[], { totals }: ToldFates): string[] {
  const counted = Object.fromEntries(
    Object.entries(totals).filter(([field]) => readFateField(field) !== undefined),
  );
  const ended = jobs.filter(({ hasEnded }) => hasEnded);
  const expected = Map.groupBy(ended, ({ operarius }) => fateField(operarius, 'succeeded'));
  return [...new Set([...Object.keys(counted), ...expected.keys()])]
    .map((field) => [field, Number(counted[field] ?? 0), expected.get(field)?.length ?? 0] as const)
    .filter(([, is, should]) => is !== should)
    .map(([field, is, should]) => `totals count ${is} for ${field}, but ${should} Jobs ended so`);
}
