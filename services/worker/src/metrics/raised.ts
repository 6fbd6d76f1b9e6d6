import { totalsKey } from '@openfero/core/redis/history';
import { readTime } from '@openfero/core/redis/memory';
import { RAISED_DROPPED_FIELD, raisedKey, readRaised } from '@openfero/core/redis/raised';
import type { RedisConnection } from '@openfero/service/redis';
import { registerScraped, whileReady } from '@openfero/service/scraped';
import type { Registry } from 'prom-client';

/** Registers how many alerts OpenFero raises itself, and how many it could not. */
export function registerRaisedMetrics(
  metrics: Registry,
  { redis, prefix }: { readonly redis: RedisConnection; readonly prefix: string },
): void {
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_raised_alerts',
      help: 'Alerts that OpenFero raises in Alertmanager now. The same in every worker.',
    },
    async () => {
      const all = await whileReady(redis, () => redis.hgetall(raisedKey(prefix)));
      if (all === undefined) return undefined;
      const now = readTime(await redis.time());
      return Object.values(all).filter((text) => (readRaised(text)?.until ?? 0) > now).length;
    },
  );
  registerScraped(
    metrics,
    {
      type: 'counter',
      name: 'openfero_raised_dropped_total',
      help: 'Alerts that were not raised, because 1,000 were. Counted in Redis. The same in every worker.',
    },
    async () => {
      const dropped = await whileReady(redis, () =>
        redis.hget(totalsKey(prefix), RAISED_DROPPED_FIELD),
      );
      return dropped === undefined ? undefined : Number(dropped ?? 0);
    },
  );
}
