import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { spawnBound } from '../process.ts';
import { until } from '../until.ts';
import { isInSync } from './cluster.ts';
import { findRedis, freePort, startRedis, type TestRedis } from './redis.ts';

/** A master and its replica, supervised by three sentinels. */
export interface TestSentinel {
  /** The variables of a service. */
  readonly env: Readonly<Record<string, string>>;
  /** The master at the start, then its replica. */
  readonly servers: readonly [TestRedis, TestRedis];
  /** The port of the master, as a sentinel knows it now. */
  masterPort(): Promise<number>;
  stop(): Promise<void>;
}

export interface SentinelOptions {
  /** Of the two servers, and of the sentinels. */
  readonly password?: string;
  readonly sentinelPassword?: string;
}

const MASTER = 'openfero';
const SENTINELS = 3;

/** Milliseconds without an answer after which a sentinel holds the master for dead. */
const DOWN_AFTER = 2000;

export async function startSentinel(options: SentinelOptions = {}): Promise<TestSentinel> {
  const { password = '', sentinelPassword = '' } = options;
  const args = ['--requirepass', password, '--masterauth', password];
  const master = await startRedis({ args });
  const replica = await startRedis({
    args: [...args, '--replicaof', '127.0.0.1', String(master.port)],
  });
  const client = new Redis(master.port, '127.0.0.1', { password });
  await until('the replica follows', () => isInSync(client));
  client.disconnect();
  const sentinels = await Promise.all(
    Array.from({ length: SENTINELS }, () => startOne(master.port, options)),
  );
  await Promise.all(sentinels.map((each) => until('ready', () => isReady(each), 30_000)));
  return {
    env: {
      REDIS_SENTINELS: sentinels.map(({ port }) => `127.0.0.1:${port}`).join(','),
      REDIS_SENTINEL_MASTER: MASTER,
      REDIS_PASSWORD: password,
      REDIS_SENTINEL_PASSWORD: sentinelPassword,
    },
    servers: [master, replica],
    masterPort: () => Promise.any(sentinels.map((each) => ask(each, portOfMaster))),
    async stop() {
      await Promise.all(sentinels.map((each) => each.stop()));
      await Promise.all([master.stop(), replica.stop()]);
    },
  };
}

interface Sentinel {
  readonly port: number;
  readonly password: string;
  stop(): Promise<void>;
}

/** Milliseconds. After twice as long, an election without a result is repeated. */
const FAILOVER_TIMEOUT = 2000;

/** It writes what it learns to its configuration. */
async function startOne(
  masterPort: number,
  { password = '', sentinelPassword = '' }: SentinelOptions,
): Promise<Sentinel> {
  const dir = await mkdtemp(join(tmpdir(), 'openfero-sentinel-'));
  const port = await freePort();
  const file = join(dir, 'sentinel.conf');
  const configuration = [
    ...[`port ${port}`, 'bind 127.0.0.1', `dir ${dir}`],
    `sentinel monitor ${MASTER} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER}`,
    `sentinel failover-timeout ${MASTER} ${FAILOVER_TIMEOUT}`,
    ...(password && [`sentinel auth-pass ${MASTER} ${password}`]),
    ...(sentinelPassword && [
      `requirepass ${sentinelPassword}`,
      `sentinel sentinel-pass ${sentinelPassword}`,
    ]),
  ];
  await writeFile(file, `${configuration.join('\n')}\n`);
  const child = spawnBound(findRedis(), [file, '--sentinel']);
  for (const output of [child.stdout, child.stderr]) output?.resume();
  return {
    port,
    password: sentinelPassword,
    async stop() {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Whether it knows the other sentinels, and the replica. */
async function isReady(one: Sentinel): Promise<boolean> {
  try {
    return await ask(one, async (sentinel) => {
      const [others, replicas] = await Promise.all([
        sentinel.call('SENTINEL', 'SENTINELS', MASTER),
        sentinel.call('SENTINEL', 'REPLICAS', MASTER),
      ]);
      return countOf(others) === SENTINELS - 1 && countOf(replicas) === 1;
    });
  } catch {
    return false;
  }
}

const countOf = (list: unknown): number => (Array.isArray(list) ? list.length : 0);

async function portOfMaster(sentinel: Redis): Promise<number> {
  const address: unknown = await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER);
  return Number(Array.isArray(address) ? address[1] : Number.NaN);
}

async function ask<T>(
  { port, password }: Sentinel,
  question: (sentinel: Redis) => Promise<T>,
): Promise<T> {
  const sentinel = new Redis(port, '127.0.0.1', { password, retryStrategy: () => null });
  sentinel.on('error', () => undefined);
  try {
    return await question(sentinel);
  } finally {
    sentinel.disconnect();
  }
}
