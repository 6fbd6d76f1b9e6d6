import type { ConfigMap } from '@openfero/core/kubernetes';
import { GLOBAL_CONFIGMAP } from '@openfero/core/operarius/global-switch';
import { type Mode, POLICY_ANNOTATIONS } from '@openfero/core/operarius/policy';
import { ClusterError } from '../cluster.ts';
import { objectAt, stringAt } from '../json.ts';
import type { Api } from './http/api.ts';
import { parsePage } from './watch/changes.ts';

/** The ConfigMap `openfero` of one namespace, for a person who uses the switch. */
export interface SwitchInCluster {
  /** @returns undefined where there is none @throws {ClusterError} */
  read(): Promise<ConfigMap | undefined>;
  /**
   * Sets its annotation, and creates it where it is missing. Each write makes a new version, which each
   * worker confirms. @throws {ClusterError}
   */
  write(mode: Mode, options: WriteOptions): Promise<void>;
  /** What the workers say of its present version; empty where there is none. @throws {ClusterError} */
  confirmations(): Promise<readonly Confirmation[]>;
}

interface WriteOptions {
  readonly dryRun: boolean;
  /** ISO 8601. */
  readonly at: string;
}

/** An Event by which a worker confirms a version of the switch. */
export interface Confirmation {
  /** The hostname of the worker: in a cluster, its pod's name. */
  readonly worker: string;
  readonly reason: string;
  readonly message: string;
}

/**
 * When a person asked last. Not below `openfero.io/`: there a worker that does not know a name takes it for
 * a mistake, and is off.
 */
const ASKED_AT = 'asked-at';

export function createSwitch(namespace: string, api: Api): SwitchInCluster {
  const folder = `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps`;
  const path = `${folder}/${GLOBAL_CONFIGMAP}`;
  return {
    async read() {
      try {
        return configMapIn(await api.read('get', path), namespace);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    async confirmations() {
      const { resourceVersion } = (await this.read())?.metadata ?? {};
      if (resourceVersion === undefined) return [];
      const fieldSelector = `involvedObject.kind=ConfigMap,involvedObject.name=${GLOBAL_CONFIGMAP},involvedObject.resourceVersion=${resourceVersion}`;
      const events = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
      return parsePage(await api.read('list', events, { fieldSelector })).items.map((event) => ({
        worker: stringAt(event, 'reportingInstance') ?? '',
        reason: stringAt(event, 'reason') ?? '',
        message: stringAt(event, 'message') ?? '',
      }));
    },
    async write(mode, { dryRun, at }) {
      const query = dryRun ? { dryRun: 'All' } : {};
      const metadata = { annotations: { [POLICY_ANNOTATIONS.mode]: mode, [ASKED_AT]: at } };
      try {
        await api.patch(path, query, { metadata });
      } catch (error) {
        if (!isMissing(error)) throw error;
        const named = { ...metadata, name: GLOBAL_CONFIGMAP };
        await api.create(folder, query, { apiVersion: 'v1', kind: 'ConfigMap', metadata: named });
      }
    },
  };
}

/** The namespace may be what is missing: then the create says so. */
function isMissing(error: unknown): boolean {
  return error instanceof ClusterError && error.status === 404;
}

function configMapIn(object: unknown, namespace: string): ConfigMap {
  const metadata = objectAt(object, 'metadata');
  const texts = (name: string): Readonly<Record<string, string>> =>
    Object.fromEntries(
      Object.keys(objectAt(metadata, name)).map((key) => [
        key,
        stringAt(objectAt(metadata, name), key) ?? '',
      ]),
    );
  const resourceVersion = stringAt(metadata, 'resourceVersion');
  const data = Object.keys(objectAt(object, 'data')).map((key) => [key, ''] as const);
  return {
    metadata: {
      ...{ name: GLOBAL_CONFIGMAP, namespace },
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...{ labels: texts('labels'), annotations: texts('annotations') },
    },
    data: Object.fromEntries(data),
  };
}
