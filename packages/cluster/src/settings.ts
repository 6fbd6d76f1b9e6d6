import {
  type Environment,
  InvalidSetting,
  oneOf,
  required,
  text,
} from '@openfero/service/settings';
import type { Access } from './kubernetes/access/access.ts';
import { readAccess } from './kubernetes/access/read-access.ts';

/** Which cluster is used, and which part of it. */
export interface ClusterSettings {
  readonly cluster: DirectorySettings | KubernetesSettings;
  /** The namespace of the operarii. */
  readonly configMapNamespace: string;
  /** The namespace of the Jobs. */
  readonly jobNamespace: string;
  /** Which ConfigMaps are operarii. */
  readonly labelSelector: string;
}

export interface DirectorySettings {
  readonly kind: 'directory';
  readonly operariiDir: string;
  readonly jobsDir: string;
}

export interface KubernetesSettings {
  readonly kind: 'kubernetes';
  readonly access: Access;
}

/**
 * Reads how to reach the cluster.
 *
 * @throws {InvalidSetting} that names the first variable that is wrong or missing
 */
export function readClusterSettings(env: Environment): ClusterSettings {
  const cluster = readCluster(env);
  return {
    cluster,
    ...readNamespaces(env, cluster),
    labelSelector: text(env, 'OPENFERO_LABEL_SELECTOR') ?? 'app=openfero',
  };
}

function readCluster(env: Environment): ClusterSettings['cluster'] {
  const kind = oneOf(env, 'OPENFERO_CLUSTER', ['kubernetes', 'directory'], 'kubernetes');
  if (kind === 'kubernetes') return { kind, access: readAccess(env) };
  return {
    kind,
    operariiDir: required(env, 'OPENFERO_OPERARII_DIR'),
    jobsDir: required(env, 'OPENFERO_JOBS_DIR'),
  };
}

function readNamespaces(
  env: Environment,
  cluster: ClusterSettings['cluster'],
): { configMapNamespace: string; jobNamespace: string } {
  const own = cluster.kind === 'directory' ? 'default' : cluster.access.namespace;
  const configMapNamespace = text(env, 'OPENFERO_CONFIGMAP_NAMESPACE') ?? own;
  if (configMapNamespace === undefined) {
    throw new InvalidSetting(
      'OPENFERO_CONFIGMAP_NAMESPACE',
      'is not set, and neither is the namespace of the KUBECONFIG context: set it to the namespace of the operarii',
    );
  }
  return {
    configMapNamespace,
    jobNamespace: text(env, 'OPENFERO_JOB_NAMESPACE') ?? configMapNamespace,
  };
}
