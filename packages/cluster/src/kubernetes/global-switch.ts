import type { ConfigMap } from '@openfero/core/kubernetes';
import { GLOBAL_CONFIGMAP } from '@openfero/core/operarius/global-switch';
import { type Mode, POLICY_ANNOTATIONS } from '@openfero/core/operarius/policy';
import { ClusterError } from '../cluster.ts';
import { objectAt, stringAt } from '../json.ts';
import type { Api } from './http/api.ts';

/** The ConfigMap `openfero` of one namespace, for a person who uses the switch. */
export interface SwitchInCluster {
  /** @returns undefined where there is none @throws {ClusterError} */
  read(): Promise<ConfigMap | undefined>;
  /** Sets its annotation, and creates it where it is missing. @throws {ClusterError} */
  write(mode: Mode, options: { readonly dryRun: boolean }): Promise<void>;
}

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
    async write(mode, { dryRun }) {
      const query = dryRun ? { dryRun: 'All' } : {};
      const metadata = { annotations: { [POLICY_ANNOTATIONS.mode]: mode } };
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
  const data = Object.keys(objectAt(object, 'data')).map((key) => [key, ''] as const);
  return {
    metadata: {
      ...{ name: GLOBAL_CONFIGMAP, namespace },
      ...{ labels: texts('labels'), annotations: texts('annotations') },
    },
    data: Object.fromEntries(data),
  };
}
