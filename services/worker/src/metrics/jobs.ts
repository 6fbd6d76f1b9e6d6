import type { Cluster } from '@openfero/cluster/cluster';
import { FATES } from '@openfero/core/history/entry';
import { labelValue } from '@openfero/core/labels';
import { checksKey, readCheck } from '@openfero/core/redis/checks';
import { fateField } from '@openfero/core/redis/fates';
import { totalsKey } from '@openfero/core/redis/history';
import { cannotStartKey } from '@openfero/core/redis/published';
import type { RedisConnection } from '@openfero/service/redis';
import { registerScraped, type Sample, whileReady } from '@openfero/service/scraped';
import type { Registry } from 'prom-client';

export interface ObservedJobs {
  readonly redis: RedisConnection;
  readonly prefix: string;
  readonly cluster: Pick<Cluster, 'blocked' | 'watchAges'> & {
    readonly operarii: Pick<Cluster['operarii'], 'all'>;
    readonly jobs: Pick<Cluster['jobs'], 'unfinished'>;
  };
}

/** Registers what became of the Jobs, and what this worker knows of the cluster. */
export function registerJobMetrics(metrics: Registry, observed: ObservedJobs): void {
  const { redis, prefix, cluster } = observed;
  registerScraped(
    metrics,
    {
      type: 'counter',
      name: 'openfero_jobs_total',
      help: 'Jobs that have ended, by ConfigMap (empty where it was deleted before the Job ended) and fate: succeeded, failed or deleted; denied, lapsed or withdrawn if they waited for a person and never ran. Counted in Redis once for each Job, so restarts lose nothing. The same in every worker.',
      labelNames: ['operarius', 'fate'],
    },
    async () => {
      const totals = await whileReady(redis, () => redis.hgetall(totalsKey(prefix)));
      return totals && endedJobs(totals, cluster);
    },
  );
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_jobs_active',
      help: 'Jobs of OpenFero that have not ended, by the watch of this worker. The same in every worker, but for the delay of its watch.',
    },
    () =>
      cluster.blocked() === undefined ? [...cluster.jobs.unfinished().jobs].length : undefined,
  );
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_jobs_cannot_start',
      help: 'Jobs whose pods cannot be created, for example because of a missing ServiceAccount, a quota or Pod Security. The same in every worker.',
    },
    () => whileReady(redis, () => redis.hlen(cannotStartKey(prefix))),
  );
  registerDefinitions(metrics, observed);
}

function registerDefinitions(metrics: Registry, { redis, prefix, cluster }: ObservedJobs): void {
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_operarius_valid',
      help: '1 if the check of the operarius found no problem, else 0. The same in every worker.',
      labelNames: ['operarius'],
    },
    async () => {
      const checks = await whileReady(redis, () => redis.hgetall(checksKey(prefix)));
      return Object.entries(checks ?? {}).map(([operarius, text]) => [
        { operarius },
        readCheck(text)?.problem === undefined ? 1 : 0,
      ]);
    },
  );
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_watch_age_seconds',
      help: 'Time since the watch of this worker was last known to be current. Above 120 the worker pauses.',
      labelNames: ['resource'],
    },
    () => Object.entries(cluster.watchAges()).map(([resource, age]) => [{ resource }, age]),
  );
}

/**
 * Each fate of each operarius that exists, from 0: without it the first failure is no increase. What is
 * counted for one that is gone is left out until it is back, and not added to another series, where it would
 * look like new Jobs.
 */
function endedJobs(
  totals: Readonly<Record<string, string>>,
  { operarii, blocked }: ObservedJobs['cluster'],
): Sample<'operarius' | 'fate'>[] | undefined {
  if (blocked() !== undefined) return undefined;
  const names = ['', ...[...operarii.all()].map(({ metadata }) => metadata.name)];
  return names.flatMap((operarius) =>
    FATES.map((fate): Sample<'operarius' | 'fate'> => {
      const count = Number(totals[fateField(labelValue(operarius), fate)] ?? 0);
      return [{ operarius, fate }, Number.isSafeInteger(count) ? Math.max(0, count) : 0];
    }),
  );
}
