import type { Logger } from '@openfero/service/log';
import { InvalidSetting } from '@openfero/service/settings';
import type { Cluster } from './cluster.ts';
import type { WorkerSettings } from './settings.ts';

/**
 * Connects to the cluster of the settings. Each kind is loaded only where it is used: the client of
 * Kubernetes takes half a second and 60 MB.
 *
 * @throws {InvalidSetting}
 */
export async function connectCluster(settings: WorkerSettings, log: Logger): Promise<Cluster> {
  const { cluster } = settings;
  switch (cluster.kind) {
    case 'directory': {
      const { directoryCluster } = await import('./directory/cluster.ts');
      return directoryCluster(settings, cluster, log);
    }
    case 'kubernetes':
      throw new InvalidSetting('OPENFERO_CLUSTER', 'kubernetes is not built yet: use directory');
  }
}
