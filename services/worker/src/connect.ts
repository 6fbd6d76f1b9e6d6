import type { Logger } from '@openfero/service/log';
import { Counter, type Registry } from 'prom-client';
import type { Cluster } from './cluster.ts';
import type { WorkerSettings } from './settings.ts';

/**
 * Connects to the cluster of the settings. Each kind is loaded only where it is used.
 *
 * @throws {InvalidSetting}
 */
export async function connectCluster(
  settings: WorkerSettings,
  log: Logger,
  metrics: Registry,
): Promise<Cluster> {
  const { cluster } = settings;
  switch (cluster.kind) {
    case 'directory': {
      const { directoryCluster } = await import('./directory/cluster.ts');
      return directoryCluster(settings, cluster, log);
    }
    case 'kubernetes': {
      const { kubernetesCluster } = await import('./kubernetes/cluster.ts');
      const requests = countRequests(metrics);
      return kubernetesCluster(settings, cluster.access, log, {
        onRequest: (verb, code) => requests.inc({ verb, code }),
      });
    }
  }
}

function countRequests(metrics: Registry): Counter<'verb' | 'code'> {
  return new Counter({
    name: 'openfero_kubernetes_requests_total',
    help: 'Requests to the API server by verb and HTTP status; error where no answer came',
    labelNames: ['verb', 'code'],
    registers: [metrics],
  });
}
