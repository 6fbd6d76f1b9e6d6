import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { placesKey } from '@openfero/core/redis/places';
import { definition } from '@openfero/testkit/operarii';
import { startRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import type { Alertmanagers } from '../../src/alertmanager/ask.ts';
import { AHEAD_OF_WATCH, LOCK_TRUST } from '../../src/redis/lock.ts';
import { createPlaces } from '../../src/redis/places.ts';
import { deliveryBy, step } from '../attempt.ts';
import { createSandbox } from '../worker.ts';

test('a place that counted as left over while Alertmanager was slow is taken again before the Job is created', async (t) => {
  const server = await startRedis();
  t.after(() => server.stop());
  const sandbox = await createSandbox(t, server.url);
  const { redis, prefix, queue } = sandbox;
  await sandbox.define('Disk', definition('Disk'));
  const places = createPlaces({ redis, prefix, queue, maxActiveJobs: 5, historyCount: 1000 });
  const slow: Alertmanagers = {
    async standingOf() {
      await places.reconcile(Date.now() + AHEAD_OF_WATCH + 1000, []);
      assert.equal(await redis.zcard(placesKey(prefix)), 0);
      await sleep(LOCK_TRUST + 100);
      return { kind: 'active' };
    },
    post: async () => [],
    close: async () => {},
  };
  const delivery = await deliveryBy(sandbox, remediation('Disk'));
  const done = await step(sandbox, delivery, (cluster) => cluster, slow);
  assert.ok(done.kind === 'end' && done.result.outcome === 'created');
  assert.equal(await redis.zcard(placesKey(prefix)), 1);
});
