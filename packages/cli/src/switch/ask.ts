import { ClusterError } from '@openfero/cluster/cluster';
import type { OpenCluster } from '../cluster.ts';
import { isRedisGiven, type OpenRedis, withRedis } from '../redis.ts';
import { CouldNotAsk, type Terminal } from '../terminal.ts';
import { readConfirmingWorkers } from './confirming-workers.ts';
import { readPublishedWorkers } from './published-workers.ts';
import type { AskWorkers } from './workers.ts';

interface Sources {
  readonly env: Terminal['env'];
  readonly cluster: OpenCluster['cluster'];
  readonly options: { readonly namespace?: string; readonly workerNamespace: string };
  readonly terminal: Pick<Terminal, 'err'>;
}

/**
 * Calls it with what asks the workers: through Redis where it is given and answers, else through the
 * cluster.
 */
export async function withWorkers<T>(
  sources: Sources,
  use: (ask: AskWorkers) => Promise<T>,
): Promise<T> {
  const { env, terminal } = sources;
  if (!isRedisGiven(env)) return use(() => askCluster(sources));
  let isConnected = false;
  const overRedis = (open: OpenRedis): Promise<T> => {
    isConnected = true;
    return use(() => readPublishedWorkers(open));
  };
  try {
    return await withRedis(env, overRedis);
  } catch (error) {
    if (isConnected || !(error instanceof CouldNotAsk)) throw error;
    terminal.err(`${error.message}: the workers are asked through the cluster instead`);
    return use(() => askCluster(sources));
  }
}

async function askCluster({ env, cluster, options }: Sources) {
  const { workerNamespace } = options;
  const operarii = options.namespace ?? (env['OPENFERO_CONFIGMAP_NAMESPACE'] || undefined);
  try {
    return await readConfirmingWorkers(cluster, { workerNamespace, operarii });
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    throw new CouldNotAsk(`${error.message}. ${INSTEAD(workerNamespace)}`);
  }
}

/** For a person without these rights. */
const INSTEAD = (namespace: string): string =>
  `Ask for the right to list pods in ${namespace} and Events where the operarii are, or ask through Redis: kubectl -n ${namespace} port-forward service/redis 6379, then set REDIS_URL=redis://localhost:6379 and REDIS_PASSWORD (in the shipped manifests the key password of the Secret openfero-redis)`;
