import type { Cluster } from '@openfero/cluster/cluster';
import type { Logger } from '@openfero/service/log';
import type { RedisConnection } from '@openfero/service/redis';
import type { RedisWatch } from '@openfero/service/redis-watch';
import type { Alertmanagers } from '../alertmanager/ask.ts';
import type { Raising } from '../raise/raising.ts';
import type { EpisodeMemory } from '../redis/memory.ts';
import type { WorkerSettings } from '../settings.ts';

/** What asking people, and doing what they decide, needs. */
export interface Approvals {
  readonly cluster: Pick<Cluster, 'operarii' | 'events' | 'blocked' | 'jobs'>;
  readonly redis: RedisConnection;
  readonly memory: Pick<EpisodeMemory, 'state' | 'now'>;
  readonly alertmanagers: Alertmanagers | undefined;
  readonly raising: Pick<Raising, 'asked'>;
  readonly settings: Pick<
    WorkerSettings,
    'prefix' | 'policy' | 'historyCount' | 'maxActiveJobs' | 'maxRuns'
  >;
  readonly watch: Pick<RedisWatch, 'note'>;
  readonly log: Logger;
}
