import type { ClusterOnDemand, Confirmation } from '@openfero/cluster/kubernetes/on-demand';
import type { Mode } from '@openfero/core/operarius/policy';
import { CouldNotAsk } from '../terminal.ts';
import type { Worker } from './workers.ts';

/** Where the workers are, and the operarii of those whose manifest does not say it. */
export interface Places {
  readonly workerNamespace: string;
  readonly operarii: string | undefined;
}

/**
 * The workers whose pods the cluster shows, and the Events by which they confirm the switch as it is now.
 *
 * @throws {ClusterError} without the rights to list pods and Events @throws {CouldNotAsk} where there is no pod
 */
export async function readConfirmingWorkers(
  cluster: Pick<ClusterOnDemand, 'workerPods' | 'globalSwitch'>,
  { workerNamespace, operarii }: Places,
): Promise<readonly Worker[]> {
  const pods = await cluster.workerPods(workerNamespace);
  if (pods.length === 0) {
    throw new CouldNotAsk(
      `the namespace ${workerNamespace} has no pod of a worker: name that of OpenFero with --worker-namespace`,
    );
  }
  const namespaceOf = (pod: { readonly operarii: string | undefined }): string | undefined =>
    pod.operarii ?? operarii;
  const namespaces = new Set(pods.map(namespaceOf));
  const confirmed = new Map<string | undefined, readonly Confirmation[]>();
  for (const namespace of namespaces) {
    if (namespace === undefined) continue;
    confirmed.set(namespace, await cluster.globalSwitch(namespace).confirmations());
  }
  return pods.map((pod) => {
    const namespace = namespaceOf(pod);
    const own = confirmed.get(namespace)?.find(({ worker }) => worker === pod.name);
    const says = own?.message ?? 'it has not confirmed the ConfigMap openfero as it is now';
    const known = { mode: own && MODES[own.reason], hasSaid: own !== undefined, says };
    return { name: pod.name, namespace, isAlive: true, ...known };
  });
}

/** The reasons of the Events by which a worker says what it obeys. Other modes are in their text only. */
const MODES: Readonly<Record<string, Mode>> = { SwitchedOff: 'off', SwitchedOn: 'run' };
