import type { Redis } from 'ioredis';
import { freePort, startRedis, type TestRedis } from './redis.ts';

/** All slots of a Redis Cluster. */
export const SLOTS = Array.from({ length: 16_384 }, (_, slot) => slot);

/** Starts a node in cluster mode, without slots and other nodes. */
export async function startNode(args: readonly string[] = [], tls = false): Promise<TestRedis> {
  const all = ['--cluster-enabled', 'yes', ...args];
  return startRedis({ args: all, port: await clusterPort(), tls });
}

/** The port of the cluster bus is 10,000 above. */
async function clusterPort(): Promise<number> {
  const port = await freePort();
  return port < 55_000 ? port : clusterPort();
}

export async function stateIs(node: Redis, state: 'ok' | 'fail'): Promise<boolean> {
  return (await node.cluster('INFO')).includes(`cluster_state:${state}`);
}
