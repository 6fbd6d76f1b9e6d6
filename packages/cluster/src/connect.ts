import type { Logger } from '@openfero/service/log';
import type { Cluster } from './cluster.ts';
import type { KubernetesOptions } from './kubernetes/cluster.ts';
import type { ClusterSettings } from './settings.ts';

export type { OnRequest } from './kubernetes/http/client.ts';

/**
 * Connects to the cluster in the settings. Each kind is loaded only where it is used: a directory
 * needs no HTTP client.
 *
 * @throws {InvalidSetting}
 */
export async function connectCluster(
  settings: ClusterSettings,
  options: KubernetesOptions,
  log: Logger,
): Promise<Cluster> {
  const { cluster } = settings;
  switch (cluster.kind) {
    case 'directory': {
      const { createDirectoryCluster } = await import('./directory/cluster.ts');
      return createDirectoryCluster(settings, cluster, log);
    }
    case 'kubernetes': {
      const { createKubernetesCluster } = await import('./kubernetes/cluster.ts');
      return createKubernetesCluster(settings, cluster.access, options, log);
    }
  }
}
