import { isObject, type JsonObject } from '@openfero/core/kubernetes';
import { objectAt, stringAt, valueIn } from '../json.ts';
import type { Api } from './http/api.ts';
import { parsePage } from './watch/changes.ts';

/** A pod in which a worker runs. */
export interface WorkerPod {
  readonly name: string;
  /** The namespace of its operarii, as its manifest says; undefined where it does not. */
  readonly operarii: string | undefined;
}

/** The manifests name the pods `openfero-worker`; the chart names all `openfero`, and tells its components apart. */
const LABEL = 'app.kubernetes.io/name';
const OF_MANIFESTS = 'openfero-worker';
const OF_CHART = { name: 'openfero', component: 'worker' } as const;

/** A pod that has ended runs no worker. One that waits for its node reads the switch before anything else. */
const WITHOUT_WORKER: readonly string[] = ['Succeeded', 'Failed', 'Pending'];

/** The pods of a namespace in which a worker runs, or may run. @throws {ClusterError} */
export async function listWorkerPods(
  namespace: string,
  api: Pick<Api, 'read'>,
): Promise<readonly WorkerPod[]> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const labelSelector = `${LABEL} in (${OF_CHART.name}, ${OF_MANIFESTS})`;
  const { items } = parsePage(await api.read('list', path, { labelSelector }));
  return items.filter(isObject).flatMap((pod) => {
    const name = stringAt(pod['metadata'], 'name');
    const phase = stringAt(pod['status'], 'phase') ?? '';
    if (name === undefined || !isOfWorker(pod) || WITHOUT_WORKER.includes(phase)) return [];
    const { containers } = objectAt(pod, 'spec');
    return [{ name, operarii: valueIn(containers, 'OPENFERO_CONFIGMAP_NAMESPACE') }];
  });
}

function isOfWorker(pod: JsonObject): boolean {
  const labels = objectAt(pod['metadata'], 'labels');
  const component = stringAt(labels, 'app.kubernetes.io/component');
  return stringAt(labels, LABEL) === OF_MANIFESTS || component === OF_CHART.component;
}
