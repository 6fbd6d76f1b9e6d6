import type { Cluster } from '@openfero/cluster/cluster';
import type { Logger } from '@openfero/service/log';
import type { RedisConnection } from '@openfero/service/redis';
import type { RedisWatch } from '@openfero/service/redis-watch';
import type { Alertmanagers } from '../alertmanager/ask.ts';
import type { Raising } from '../raise/raising.ts';
import type { EpisodeMemory } from '../redis/memory.ts';
import type { WorkerSettings } from '../settings.ts';
import type { Told } from './tell.ts';

/** What judging runs needs. */
export interface Judging {
  readonly cluster: Pick<Cluster, 'operarii' | 'events' | 'blocked'>;
  readonly redis: RedisConnection;
  readonly memory: Pick<EpisodeMemory, 'state'>;
  readonly alertmanagers: Alertmanagers | undefined;
  readonly raising: Pick<Raising, 'noEffect'>;
  readonly settings: Pick<WorkerSettings, 'prefix' | 'policy' | 'historyCount'>;
  readonly watch: Pick<RedisWatch, 'note'>;
  readonly log: Logger;
  /** See {@link Told}. */
  readonly sawStopped: Told['sawStopped'];
}
