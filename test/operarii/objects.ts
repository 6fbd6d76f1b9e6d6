import assert from 'node:assert/strict';
import { at, type Cluster, itemsOf } from '@openfero/testkit/controlplane';

/** Marks an object that the starters may change. */
export const ALLOWED = { 'openfero.io/allow': 'true' };

interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** What differs from a ready pod without an owner. */
export interface PodParts {
  readonly labels?: Readonly<Record<string, string>>;
  readonly owner?: Owner;
  readonly nodeName?: string;
  readonly status?: Readonly<Record<string, unknown>>;
}

const READY = { conditions: [{ type: 'Ready', status: 'True' }] };

/** The pod has a container that failed, and the pod is not ready. */
export const UNREADY = { conditions: [{ type: 'Ready', status: 'False' }] };

/** Creates objects that the starters look at, in a namespace, as controllers and kubelets would. */
export function objectsIn(plane: Cluster, namespace: string) {
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const create = async (path: string, object: object): Promise<unknown> => {
    const answer = await plane.request('POST', path, object);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body;
  };
  const get = async (path: string): Promise<unknown> => (await plane.request('GET', path)).body;
  const patch = async (path: string, change: object): Promise<void> => {
    const answer = await plane.request('PATCH', path, change);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  };
  return {
    create,
    get,
    patch,
    /** Creates a workload. @returns the owner for its pods */
    workload: async (path: string, object: object): Promise<Owner> => {
      const made = await create(path, object);
      const [apiVersion, kind] = [String(at(made, 'apiVersion')), String(at(made, 'kind'))];
      const [name, uid] = [
        String(at(made, 'metadata', 'name')),
        String(at(made, 'metadata', 'uid')),
      ];
      return { apiVersion, kind, name, uid };
    },
    pod: async (
      name: string,
      { labels = {}, owner, nodeName, status = READY }: PodParts,
    ): Promise<void> => {
      const ownerReferences = owner && [{ ...owner, controller: true }];
      await create(pods, {
        metadata: { name, labels, ...(ownerReferences && { ownerReferences }) },
        spec: { containers: [{ name: 'checkout', image: 'i' }], ...(nodeName && { nodeName }) },
      });
      await patch(`${pods}/${name}/status`, { status });
    },
    pods: async (): Promise<readonly string[]> => {
      return itemsOf(await get(pods)).map((pod) => String(at(pod, 'metadata', 'name')));
    },
    allow: (path: string): Promise<void> => patch(path, { metadata: { labels: ALLOWED } }),
  };
}
