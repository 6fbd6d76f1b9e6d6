import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ClusterError } from '@openfero/cluster/cluster';
import type { Access } from '@openfero/cluster/kubernetes/access';
import { readKubeconfig } from '@openfero/cluster/kubernetes/kubeconfig';
import { type ClusterOnDemand, openCluster } from '@openfero/cluster/kubernetes/on-demand';
import { readAccess } from '@openfero/cluster/kubernetes/read-access';
import { withSettings } from './settings.ts';
import { silentLog } from './silent-log.ts';
import { CouldNotAsk, type Terminal } from './terminal.ts';

type Environment = Terminal['env'];

/** Which cluster a person means, and which namespace of it. */
export interface ClusterOptions {
  readonly namespace?: string;
  readonly context?: string;
}

/** A cluster, and where in it the operarii and the Jobs are. */
export interface OpenCluster {
  readonly cluster: ClusterOnDemand;
  /** That of the operarii: `-n`, the worker's setting, else the kubeconfig's. */
  readonly namespace: string;
}

/**
 * Connects, calls it, and disconnects.
 *
 * @throws {CouldNotAsk} where the cluster does not answer, or refuses
 */
export async function withCluster<T>(
  { namespace, context }: ClusterOptions,
  env: Environment,
  use: (open: OpenCluster) => Promise<T>,
): Promise<T> {
  const access = accessOf(env, context);
  const cluster = await openCluster(access, silentLog());
  const own = env['OPENFERO_CONFIGMAP_NAMESPACE'] || access.namespace || 'default';
  try {
    return await use({ cluster, namespace: namespace ?? own });
  } catch (error) {
    if (error instanceof ClusterError) throw new CouldNotAsk(error.message);
    throw error;
  } finally {
    await cluster.close();
  }
}

/**
 * How to reach the cluster, as kubectl finds it: `--context`, KUBECONFIG, else ~/.kube/config, else the pod.
 * Unlike a worker a person means the cluster of their own kubeconfig.
 *
 * @throws {CouldNotAsk}
 */
function accessOf(env: Environment, context: string | undefined): Access {
  const own = join(env['HOME'] ?? homedir(), '.kube', 'config');
  return withSettings(() => {
    const path = env['KUBECONFIG'] || (existsSync(own) ? own : undefined);
    return path === undefined ? readAccess(env) : readKubeconfig(path, context);
  });
}
