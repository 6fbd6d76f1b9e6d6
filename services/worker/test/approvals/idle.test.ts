import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRedis } from '@openfero/testkit/redis';
import { until } from '@openfero/testkit/until';
import { pino } from 'pino';
import { startApprovals } from '../../src/approvals/start.ts';
import { SILENT } from '../../src/raise/raising.ts';
import { createEpisodeMemory } from '../../src/redis/memory.ts';
import { readSettings } from '../../src/settings.ts';
import { IDLE_CLUSTER, IDLE_JOBS } from '../idle-cluster.ts';
import { createSandbox } from '../worker.ts';

/** Of half a second each, as a worker looks: two minutes. */
const LOOKS = 250;

test('while nobody is asked, Redis is asked once in 30 s whether a question was left behind', async (t) => {
  const server = await startRedis();
  t.after(() => server.stop());
  const { redis, prefix, env, queue } = await createSandbox(t, server.url);
  // The queue of the sandbox writes it as it connects.
  await until('all else is quiet', async () => (await redis.exists(queue.toKey('meta'))) === 1);
  let looks = 0;
  const jobs = {
    ...IDLE_JOBS,
    asked() {
      looks++;
      return [];
    },
    ...{ isOurs: () => false, create: async () => [], get: async () => undefined },
    enforcedPodSecurity: async () => undefined,
  };
  const operarii = {
    ...{ get: () => undefined, all: () => [], globalSwitch: () => undefined },
    ...{ unlabelled: async () => [], revision: () => 1 },
  };
  const log = pino({ level: 'silent' });
  await redis.config('RESETSTAT');
  const stop = startApprovals(
    {
      ...{ redis, log, alertmanagers: undefined, raising: SILENT, settings: readSettings(env) },
      cluster: { ...IDLE_CLUSTER, operarii, jobs },
      memory: createEpisodeMemory(redis, prefix),
      watch: { note: () => false },
    },
    async () => assert.fail('nothing has ended'),
    1,
  );
  t.after(stop);
  await until('it has looked', async () => looks > LOOKS);
  stop();
  const stats = await redis.info('commandstats');
  const calls = [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)].map(([, name, n]) => [name, n]);
  const ours = Object.fromEntries(
    calls.filter(([name]) => !/^(config|info|client)/.test(name ?? '')),
  );
  assert.deepEqual(Object.keys(ours), ['hgetall']);
  const asked = Number(ours['hgetall']);
  assert.ok(asked >= LOOKS / 60 && asked <= looks / 60 + 1, `${asked} in ${looks} looks`);
});
