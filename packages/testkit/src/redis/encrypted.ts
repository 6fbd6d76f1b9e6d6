import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { spawnBound } from '../process.ts';
import { until } from '../until.ts';
import { SLOTS, startNode, stateIs } from './node.ts';
import { findRedis, freePort, startRedis, type TestRedis } from './redis.ts';

/** The smallest Sentinel and the smallest Cluster that speak TLS only: failovers are tested without TLS. */
export interface EncryptedRedis {
  readonly redis: TestRedis;
  /** The variables of a service. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** A Cluster of one node. */
export async function startEncryptedCluster(): Promise<EncryptedRedis> {
  // A node that has met no other does not know its own address.
  const args = ['--tls-cluster', 'yes', '--cluster-announce-ip', '127.0.0.1'];
  const redis = await startNode(args, true);
  const client = await connect(redis.url, redis.dir);
  await client.cluster('ADDSLOTS', ...SLOTS);
  await until('the cluster is up', () => stateIs(client, 'ok'));
  client.disconnect();
  const env = { REDIS_CLUSTER_NODES: `127.0.0.1:${redis.port}`, ...tlsOf(redis.dir) };
  return { redis, env, stop: () => redis.stop() };
}

/** One master and one sentinel. */
export async function startEncryptedSentinel(): Promise<EncryptedRedis> {
  const redis = await startRedis({ tls: true });
  const port = await freePort();
  const file = join(redis.dir, 'sentinel.conf');
  const configuration = [
    ...['bind 127.0.0.1', 'port 0', `tls-port ${port}`, 'tls-replication yes'],
    ...['tls-auth-clients no', `tls-ca-cert-file ${join(redis.dir, 'ca.crt')}`],
    `tls-cert-file ${join(redis.dir, 'redis.crt')}`,
    `tls-key-file ${join(redis.dir, 'redis.key')}`,
    `sentinel monitor openfero 127.0.0.1 ${redis.port} 1`,
  ];
  await writeFile(file, `${configuration.join('\n')}\n`);
  const child = spawnBound(findRedis(), [file, '--sentinel']);
  for (const output of [child.stdout, child.stderr]) output?.resume();
  const sentinels = `127.0.0.1:${port}`;
  await until('the sentinel answers', async () => {
    const client = await connect(`rediss://${sentinels}`, redis.dir);
    const answer = await client.ping().catch(() => undefined);
    client.disconnect();
    return answer === 'PONG';
  });
  return {
    redis,
    env: { REDIS_SENTINELS: sentinels, REDIS_SENTINEL_MASTER: 'openfero', ...tlsOf(redis.dir) },
    async stop() {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
      await redis.stop();
    },
  };
}

const tlsOf = (dir: string): EncryptedRedis['env'] => ({
  ...{ REDIS_URL: '', REDIS_TLS: 'true' },
  REDIS_CA_FILE: join(dir, 'ca.crt'),
});

async function connect(url: string, dir: string): Promise<Redis> {
  const ca = await readFile(join(dir, 'ca.crt'), 'utf8');
  const client = new Redis(url, { tls: { ca }, retryStrategy: () => null });
  client.on('error', () => undefined);
  return client;
}
