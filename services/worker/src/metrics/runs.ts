import type { Cluster } from '@openfero/cluster/cluster';
import { isStopped } from '@openfero/core/decisions/stopped';
import { definitionDigest } from '@openfero/core/operarius/definition';
import { EFFECTS } from '@openfero/core/outcome';
import { fateField } from '@openfero/core/redis/fates';
import { totalsKey } from '@openfero/core/redis/history';
import { readTime } from '@openfero/core/redis/memory';
import { readStopped, stoppedKey } from '@openfero/core/redis/stopped';
import type { RedisConnection } from '@openfero/service/redis';
import { registerScraped, type Sample, whileReady } from '@openfero/service/scraped';
import type { Registry } from 'prom-client';

interface ObservedRuns {
  readonly redis: RedisConnection;
  readonly prefix: string;
  readonly cluster: Pick<Cluster, 'blocked'> & {
    readonly operarii: Pick<Cluster['operarii'], 'all'>;
  };
}

/** Registers whether Jobs helped, and which operarii are stopped because they did not. */
export function registerRunMetrics(
  metrics: Registry,
  { redis, prefix, cluster }: ObservedRuns,
): void {
  registerScraped(
    metrics,
    {
      type: 'counter',
      name: 'openfero_effects_total',
      help: 'Jobs that succeeded, by ConfigMap and by what became of the alert within effect-within: resolved, firing or unknown. Counted in Redis once for each Job. The same in every worker.',
      labelNames: ['operarius', 'effect'],
    },
    async () => {
      const totals = await whileReady(redis, () => redis.hgetall(totalsKey(prefix)));
      if (totals === undefined || cluster.blocked() !== undefined) return undefined;
      return [...cluster.operarii.all()].flatMap(({ metadata: { name: operarius } }) =>
        EFFECTS.map((effect): Sample<'operarius' | 'effect'> => {
          const count = Number(totals[fateField(operarius, effect)] ?? 0);
          return [{ operarius, effect }, Number.isSafeInteger(count) ? Math.max(0, count) : 0];
        }),
      );
    },
  );
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_operarius_stopped',
      help: '1 while bad runs in a row have stopped the operarius, else 0. The same in every worker.',
      labelNames: ['operarius'],
    },
    async () => {
      const stopped = await whileReady(redis, () => redis.hgetall(stoppedKey(prefix)));
      if (stopped === undefined || cluster.blocked() !== undefined) return undefined;
      const now = readTime(await redis.time());
      return [...cluster.operarii.all()].map((configMap): Sample<'operarius'> => {
        const { name: operarius } = configMap.metadata;
        const state = readStopped(stopped[operarius]);
        const isIt = state !== undefined && isStopped(state, definitionDigest(configMap), now);
        return [{ operarius }, isIt ? 1 : 0];
      });
    },
  );
}
