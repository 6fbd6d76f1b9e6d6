import { readFile, writeFile } from 'node:fs/promises';
import { createLogger } from '@openfero/service/log';
import type { Environment } from '@openfero/service/settings';
import type { Cluster as Plane } from '@openfero/testkit/controlplane';
import type { Cluster } from '../../src/cluster.ts';
import type { Access } from '../../src/kubernetes/access/access.ts';
import { readAccess } from '../../src/kubernetes/access/read-access.ts';
import { createKubernetesCluster } from '../../src/kubernetes/cluster.ts';
import { TIMING, type Timing } from '../../src/kubernetes/timing.ts';
import { type ClusterSettings, readClusterSettings } from '../../src/settings.ts';

/** Logs nothing: tests provoke errors. */
const quiet = createLogger('silent', 'test');

/** As in production, but with waits of seconds instead of minutes. */
export const FAST: Timing = { ...TIMING, call: 2000, backoff: [50, 500], reread: 200 };

export interface Connected {
  readonly cluster: Cluster;
  readonly settings: ClusterSettings;
  /** Requests by verb and status, such as `create 201`. */
  readonly requests: Map<string, number>;
}

export interface Connecting {
  readonly access: Access;
  readonly namespace: string;
  readonly env?: Environment;
  readonly timing?: Timing;
}

/** The settings for a namespace. */
function settingsOf({ access, namespace, env = {} }: Connecting): ClusterSettings {
  const settings = readClusterSettings({
    OPENFERO_CONFIGMAP_NAMESPACE: namespace,
    OPENFERO_CLUSTER: 'directory',
    OPENFERO_OPERARII_DIR: '/unused',
    OPENFERO_JOBS_DIR: '/unused',
    ...env,
  });
  return { ...settings, cluster: { kind: 'kubernetes', access } };
}

export async function connect(connecting: Connecting): Promise<Connected> {
  const { access, timing = FAST } = connecting;
  const requests = new Map<string, number>();
  const settings = settingsOf(connecting);
  const cluster = await createKubernetesCluster(
    settings,
    access,
    {
      concurrency: 64,
      timing,
      onRequest(verb, code) {
        const key = `${verb} ${code}`;
        requests.set(key, (requests.get(key) ?? 0) + 1);
      },
    },
    quiet,
  );
  return { cluster, settings, requests };
}

/** The minimal rights of a worker, as in deploy/. */
const RULES = [
  { apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch', 'list'] },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'get', 'list', 'watch'] },
];

/** Creates the worker's ServiceAccount with its rights. @returns its token */
export async function workerIn(plane: Plane, namespace: string): Promise<string> {
  const token = await plane.tokenFor(namespace, 'worker');
  await allow(plane, namespace);
  return token;
}

const roles = (namespace: string): string =>
  `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;

export async function allow(plane: Plane, namespace: string): Promise<void> {
  const subjects = [{ kind: 'ServiceAccount', name: 'worker', namespace }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'worker' };
  const metadata = { name: 'worker' };
  await plane.request('POST', `${roles(namespace)}/roles`, { metadata, rules: RULES });
  await plane.request('POST', `${roles(namespace)}/rolebindings`, { metadata, subjects, roleRef });
}

/** Removes the rights. */
export async function forbid(plane: Plane, namespace: string): Promise<void> {
  await plane.request('DELETE', `${roles(namespace)}/rolebindings/worker`);
}

/** The access as the worker reads it. */
export async function accessOf(
  plane: Plane,
  identity: Parameters<Plane['kubeconfig']>[0],
  namespace: string,
): Promise<Access> {
  return readAccess({ KUBECONFIG: await plane.kubeconfig(identity, namespace) });
}

/** The same access through a proxy. */
export function through(access: Access, port: number): Access {
  const server = new URL(access.server);
  server.port = String(port);
  return { ...access, server: server.origin };
}

/** Rewrites a kubeconfig, which the testkit writes as JSON. @returns the path of the new one */
export async function rewrite(
  path: string,
  change: (text: string) => string,
  to = `${path}.rewritten`,
): Promise<string> {
  await writeFile(to, change(await readFile(path, 'utf8')));
  return to;
}
