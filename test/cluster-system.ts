import { type Cluster, itemsOf, jobsPath } from '@openfero/testkit/controlplane';
import type { Service } from '@openfero/testkit/process';
import { type Cleanup, type System, startSystem } from './system.ts';

/** Like System, but with a real API server. */
export interface ClusterSystem
  extends Pick<System, 'redis' | 'receivers' | 'workers' | 'startReceiver' | 'post' | 'ended'> {
  /** The namespace of operarii and Jobs. */
  readonly namespace: string;
  /** Starts a worker with the kubeconfig of the system. */
  startWorker(env?: Record<string, string>): Promise<Service>;
  /** Applies ConfigMaps with kubectl, as their author would. */
  define(yaml: string): Promise<void>;
  /** The Jobs in the namespace. */
  jobs(): Promise<readonly unknown[]>;
  /** The Events on a ConfigMap. */
  events(configMap: string): Promise<readonly unknown[]>;
}

interface ClusterSystemOptions {
  /** A new one by default. */
  readonly namespace?: string;
  /** Path of the worker's kubeconfig, by default the administrator's. */
  readonly kubeconfig?: string;
}

/** Starts Redis. The test starts the services. */
export async function startClusterSystem(
  t: Cleanup,
  plane: Cluster,
  options: ClusterSystemOptions = {},
): Promise<ClusterSystem> {
  const { kubeconfig = plane.adminKubeconfig } = options;
  const namespace = options.namespace ?? (await plane.createNamespace());
  const system = await startSystem(t);
  const list = async (path: string): Promise<readonly unknown[]> =>
    itemsOf((await plane.request('GET', path)).body);
  return {
    ...system,
    namespace,
    startWorker: (env = {}) =>
      system.startWorker({
        OPENFERO_CLUSTER: 'kubernetes',
        KUBECONFIG: kubeconfig,
        OPENFERO_CONFIGMAP_NAMESPACE: namespace,
        ...env,
      }),
    define: async (yaml) => {
      await plane.kubectl(['apply', '-n', namespace, '-f', '-'], yaml);
    },
    jobs: () => list(jobsPath(namespace)),
    events: (configMap) => {
      const selector = `involvedObject.kind=ConfigMap,involvedObject.name=${configMap}`;
      const query = new URLSearchParams({ fieldSelector: selector });
      return list(`/api/v1/namespaces/${namespace}/events?${query}`);
    },
  };
}
