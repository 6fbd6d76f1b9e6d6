import type { TestContext } from 'node:test';
import {
  at,
  type Cluster,
  missingControlPlane,
  openCluster,
  startControlPlane,
} from '@openfero/testkit/controlplane';
import type { Service } from '@openfero/testkit/process';
import { type System, startSystem } from './system.ts';

/** What `describe` takes: without a control plane its tests are skipped, or fail where that is CI's. */
export async function withoutControlPlane(): Promise<{ skip: string | false }> {
  const missing = await missingControlPlane();
  return { skip: process.env['CI'] === 'true' ? false : (missing ?? false) };
}

/**
 * The control plane of the whole run (test/setup.ts), else one that is started for this file.
 *
 * @returns it, and what ends it if it is this file's
 */
export async function openControlPlane(): Promise<{ plane: Cluster; stop: () => Promise<void> }> {
  const folder = process.env['OPENFERO_TEST_CONTROL_PLANE'];
  if (folder !== undefined) return { plane: await openCluster(folder), stop: async () => {} };
  const plane = await startControlPlane();
  return { plane, stop: plane.stop };
}

/** The services as processes, like System, but over a real API server. */
export interface ClusterSystem
  extends Pick<System, 'redis' | 'receivers' | 'workers' | 'startReceiver' | 'post' | 'ended'> {
  /** A worker with the kubeconfig that the system was started with. */
  startWorker(env?: Record<string, string>): Promise<Service>;
  /** Writes a ConfigMap (or several), as their author would: with kubectl. */
  define(yaml: string): Promise<void>;
  /** The Jobs in the namespace. */
  jobs(): Promise<readonly unknown[]>;
  /** The Events on a ConfigMap. */
  events(configMap: string): Promise<readonly unknown[]>;
}

export interface ClusterSystemOptions {
  readonly plane: Cluster;
  /** Of operarii and Jobs. */
  readonly namespace: string;
  /** Path: who the worker is. */
  readonly kubeconfig: string;
}

/** Starts Redis; the services are started by the test. */
export async function startClusterSystem(
  t: TestContext,
  { plane, namespace, kubeconfig }: ClusterSystemOptions,
): Promise<ClusterSystem> {
  const system = await startSystem(t);
  const list = async (path: string): Promise<readonly unknown[]> => {
    const { body } = await plane.request('GET', path);
    const items = at(body, 'items');
    return Array.isArray(items) ? items : [];
  };
  return {
    ...system,
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
    jobs: () => list(`/apis/batch/v1/namespaces/${namespace}/jobs`),
    events: (configMap) => {
      const selector = `involvedObject.kind=ConfigMap,involvedObject.name=${configMap}`;
      const query = new URLSearchParams({ fieldSelector: selector });
      return list(`/api/v1/namespaces/${namespace}/events?${query}`);
    },
  };
}
