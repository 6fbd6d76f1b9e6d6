import {
  type Environment,
  InvalidSetting,
  oneOf,
  readEach,
  required,
  text,
} from '@openfero/service/settings';
import { parseSelector } from './directory/selector.ts';
import type { Access } from './kubernetes/access/access.ts';
import { readAccess } from './kubernetes/access/read-access.ts';

/** Of OPENFERO_LABEL_SELECTOR. */
export const DEFAULT_LABEL_SELECTOR = 'app=openfero';

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
 * @throws {InvalidSettings} that names the variables that are wrong or missing
 */
export function readClusterSettings(env: Environment): ClusterSettings {
  const { cluster, labelSelector } = readEach<Omit<ClusterSettings, keyof Namespaces>>({
    cluster: () => readCluster(env),
    labelSelector: () => readLabelSelector(env),
  });
  return { cluster, labelSelector, ...readNamespaces(env, cluster) };
}

function readKind(env: Environment): ClusterSettings['cluster']['kind'] {
  return oneOf(env, 'OPENFERO_CLUSTER', ['kubernetes', 'directory'], 'kubernetes');
}

function readCluster(env: Environment): ClusterSettings['cluster'] {
  const kind = readKind(env);
  if (kind === 'kubernetes') return { kind, access: readAccess(env) };
  const folders = readEach({
    operariiDir: () => required(env, 'OPENFERO_OPERARII_DIR'),
    jobsDir: () => required(env, 'OPENFERO_JOBS_DIR'),
  });
  return { kind, ...folders };
}

/** An API server parses more selectors than we do, and says what is wrong with one. */
function readLabelSelector(env: Environment): string {
  const selector = text(env, 'OPENFERO_LABEL_SELECTOR') ?? DEFAULT_LABEL_SELECTOR;
  if (readKind(env) === 'directory') parseSelector(selector);
  return selector;
}

type Namespaces = Pick<ClusterSettings, 'configMapNamespace' | 'jobNamespace'>;

function readNamespaces(env: Environment, cluster: ClusterSettings['cluster']): Namespaces {
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
