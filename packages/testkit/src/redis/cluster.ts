import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { Redis } from 'ioredis';
import { until } from '../until.ts';
import { SLOTS, startNode, stateIs } from './node.ts';
import type { TestRedis } from './redis.ts';

/** A Redis Cluster of three masters. */
export interface TestCluster {
  /** REDIS_CLUSTER_NODES: two of its nodes. */
  readonly env: Readonly<Record<string, string>>;
  /** The master that has the keys of the default prefix. */
  readonly owner: TestRedis;
  /** Of the owner. It takes over within about 4 s. */
  readonly replica: TestRedis;
  stop(): Promise<void>;
}

/** Milliseconds after which the other nodes hold a node for dead. */
const NODE_TIMEOUT = 2000;

const MASTERS = 3;

export async function startCluster(): Promise<TestCluster> {
  const args = ['--cluster-node-timeout', String(NODE_TIMEOUT)];
  const nodes = await Promise.all(Array.from({ length: MASTERS + 1 }, () => startNode(args)));
  const clients = nodes.map(({ url }) => new Redis(url));
  await join(nodes, clients);
  for (const client of clients) client.disconnect();
  const [owner, second] = nodes;
  const replica = nodes.at(-1);
  if (!owner || !second || !replica) throw new Error('too few nodes were started');
  return {
    env: {
      REDIS_CLUSTER_NODES: `127.0.0.1:${owner.port},127.0.0.1:${second.port}`,
    },
    owner,
    replica,
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

/** The slots in as many ranges as there are masters, the one with a certain slot first. */
function rangesFrom(first: number): readonly (readonly number[])[] {
  const size = Math.ceil(SLOTS.length / MASTERS);
  const from = Math.floor(first / size);
  return Array.from({ length: MASTERS }, (_, index) => {
    const start = ((from + index) % MASTERS) * size;
    return SLOTS.slice(start, start + size);
  });
}

async function join(nodes: readonly TestRedis[], clients: readonly Redis[]): Promise<void> {
  const [first, ...others] = clients;
  const replica = clients.at(-1);
  if (first === undefined || replica === undefined) throw new Error('no node was started');
  const ranges = rangesFrom(await first.cluster('KEYSLOT', DEFAULT_PREFIX));
  for (const [index, client] of clients.entries()) {
    // Each its own: two masters of the same epoch would have to settle that first.
    await client.cluster('SET-CONFIG-EPOCH', index + 1);
    const slots = ranges[index];
    if (slots !== undefined) await client.cluster('ADDSLOTS', ...slots);
  }
  for (const client of others) await client.cluster('MEET', '127.0.0.1', nodes[0]?.port ?? 0);
  await until('every node knows all others', async () => {
    const known = await Promise.all(clients.map((client) => client.cluster('INFO')));
    return known.every((info) => info.includes(`cluster_known_nodes:${clients.length}`));
  });
  await replica.cluster('REPLICATE', String(await first.cluster('MYID')));
  await until('the cluster is up', async () => {
    const up = await Promise.all(clients.map((client) => stateIs(client, 'ok')));
    return up.every(Boolean) && (await isInSync(first));
  });
}

/** Whether a server has a replica that follows it. */
export async function isInSync(master: Redis): Promise<boolean> {
  return /^slave\d+:.*state=online/m.test(await master.info('replication'));
}
