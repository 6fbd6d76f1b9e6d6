import { historyKey, SKIPPED_FIELD, totalsKey } from '@openfero/core/redis/history';
import type { RedisConnection } from '@openfero/service/redis';
import { registerScraped, whileReady } from '@openfero/service/scraped';
import type { Registry } from 'prom-client';

/** Registers how much of the history there is, and how much is missing from it. */
export function registerHistoryMetrics(
  metrics: Registry,
  { redis, prefix }: { readonly redis: RedisConnection; readonly prefix: string },
): void {
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_history_entries',
      help: 'Entries of the history. OPENFERO_HISTORY_COUNT, OPENFERO_HISTORY_AGE and a quarter of maxmemory limit them. The same in every worker.',
    },
    () => whileReady(redis, () => redis.xlen(historyKey(prefix))),
  );
  registerScraped(
    metrics,
    {
      type: 'counter',
      name: 'openfero_history_skipped_total',
      help: 'Entries that are missing from the history because Redis was nearly full. Counted in Redis. The same in every worker.',
    },
    async () => {
      const count = await whileReady(redis, () => redis.hget(totalsKey(prefix), SKIPPED_FIELD));
      return count === undefined ? undefined : Number(count ?? 0);
    },
  );
}
