import type { TestContext } from 'node:test';
import { type Cluster, itemsOf, jobsPath } from '@openfero/testkit/controlplane';
import type { Service } from '@openfero/testkit/process';
import { type System, startSystem } from './system.ts';

/** The services as processes, like System, but over a real API server. */
export interface ClusterSystem
  extends Pick<System, 'redis' | 'receivers' | 'workers' | 'startReceiver' | 'post' | 'ended'> {
  /** Of operarii and Jobs. */
  readonly namespace: string;
  /** A worker with the kubeconfig that the system was started with. */
  startWorker(env?: Record<string, string>): Promise<Service>;
  /** Writes a ConfigMap (or several), as their author would: with kubectl. */
  define(yaml: string): Promise<void>;
  /** The Jobs in the namespace. */
  jobs(): Promise<readonly unknown[]>;
  /** The Events on a ConfigMap. */
  events(configMap: string): Promise<readonly unknown[]>;
}

interface ClusterSystemOptions {
  /** Of operarii and Jobs; a new one by default. */
  readonly namespace?: string;
  /** Path of the worker's kubeconfig, by default the administrator's. */
  readonly kubeconfig?: string;
}

/** Starts Redis; the services are started by the test. */
export async function startClusterSystem(
  t: TestContext,
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
