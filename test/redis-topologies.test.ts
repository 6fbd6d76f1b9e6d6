import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { definition } from '@openfero/testkit/operarii';
import type { Service } from '@openfero/testkit/process';
import { type RedisOptions, startRedis, type TestRedis } from '@openfero/testkit/redis';
import { startCluster } from '@openfero/testkit/redis-cluster';
import { startEncryptedCluster, startEncryptedSentinel } from '@openfero/testkit/redis-encrypted';
import { startSentinel } from '@openfero/testkit/redis-sentinel';
import { notificationOf, type System, startSystem } from './system.ts';

/** A Redis, and what the services are told of it. An empty variable counts as unset. */
interface Given {
  readonly redis: TestRedis;
  readonly env: Readonly<Record<string, string>>;
}

async function startOne(options: RedisOptions, env: Given['env'] = {}): Promise<Given> {
  return { redis: await startRedis(options), env };
}

/** Each with what the receiver says of what it cannot check. */
const CASES: readonly {
  readonly name: string;
  readonly start: (t: TestContext) => Promise<Given>;
  readonly unknown?: RegExp;
}[] = [
  {
    name: 'Sentinel, with passwords of the servers and of the sentinels',
    async start(t) {
      const sentinel = await startSentinel({ password: 'secret', sentinelPassword: 'other' });
      t.after(() => sentinel.stop());
      return { redis: sentinel.servers[0], env: { REDIS_URL: '', ...sentinel.env } };
    },
  },
  {
    name: 'a Redis Cluster',
    async start(t) {
      const cluster = await startCluster();
      t.after(() => cluster.stop());
      return { redis: cluster.replica, env: { REDIS_URL: '', ...cluster.env } };
    },
  },
  {
    name: 'Sentinel with TLS',
    async start(t) {
      const sentinel = await startEncryptedSentinel();
      t.after(() => sentinel.stop());
      return sentinel;
    },
  },
  {
    name: 'a Redis Cluster with TLS',
    async start(t) {
      const cluster = await startEncryptedCluster();
      t.after(() => cluster.stop());
      return cluster;
    },
  },
  {
    name: 'a Unix socket',
    async start() {
      const path = join(tmpdir(), `openfero-${randomUUID()}.sock`);
      return startOne({ args: ['--unixsocket', path] }, { REDIS_URL: `unix://${path}` });
    },
  },
  {
    name: 'TLS with a client certificate',
    async start() {
      const redis = await startRedis({ tls: 'mutual' });
      const file = (name: string): string => join(redis.dir, name);
      const env = { REDIS_CERT_FILE: file('client.crt'), REDIS_KEY_FILE: file('client.key') };
      return { redis, env: { ...env, REDIS_CA_FILE: file('ca.crt') } };
    },
  },
  {
    name: 'CONFIG renamed, as managed services do',
    start: () => startOne({ args: ['--rename-command', 'CONFIG', ''] }),
    unknown: /CONFIG GET is refused: ERR unknown command/,
  },
  {
    name: 'INFO and CONFIG renamed',
    start: () =>
      startOne({ args: ['--rename-command', 'CONFIG', '', '--rename-command', 'INFO', ''] }),
    unknown: /INFO is refused: ERR unknown command/,
  },
];

async function start(t: TestContext, { redis, env }: Given): Promise<System> {
  const system = await startSystem(t, redis, env);
  await system.define('any.yaml', definition('Any'));
  const services = await Promise.all([
    system.startReceiver(),
    system.startWorker(),
    system.startDashboard(),
  ]);
  await Promise.all(services.map((service) => service.ready()));
  return system;
}

const warnings = (services: readonly Service[]): string[] =>
  services.flatMap(({ lines }) => lines).flatMap(({ level, msg }) => (level === 'warn' ? msg : []));

describe('alert in, Job out', { concurrency: 3 }, () => {
  for (const { name, start: startIt, unknown } of CASES) {
    it(name, async (t) => {
      const system = await start(t, await startIt(t));
      const alerts = ['a', 'b'].map((instance) => ({ alertname: 'Any', instance }));
      const response = await system.post(notificationOf(alerts));
      assert.equal(response.status, 200, await response.text());
      const ends = await system.ended(2);
      assert.deepEqual(
        ends.map((end) => end['outcome']),
        ['created', 'created'],
      );
      assert.equal((await system.jobs()).length, 2);
      const told = warnings([...system.receivers, ...system.workers]);
      if (unknown === undefined) return assert.deepEqual(told, []);
      // Once by the receiver, once by the worker.
      assert.equal(told.length, 2, told.join('\n'));
      for (const line of told) assert.match(line, unknown);
    });
  }
});
