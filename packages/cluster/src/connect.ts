import type { Logger } from '@openfero/service/log';
import type { Cluster } from './cluster.ts';
import type { OnRequest } from './kubernetes/http/calls.ts';
import type { ClusterSettings } from './settings.ts';

export interface ConnectOptions {
  /** Jobs created at once. */
  readonly concurrency: number;
  /** Called with the verb and the HTTP status of every request to an API server. */
  readonly onRequest: OnRequest;
}

/**
 * Connects to the cluster of the settings. Each kind is loaded only where it is used: client-node
 * alone takes as long to load as all else.
 *
 * @throws {InvalidSetting}
 */
export async function connectCluster(
  settings: ClusterSettings,
  options: ConnectOptions,
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
