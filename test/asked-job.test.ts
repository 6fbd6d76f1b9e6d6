import assert from 'node:assert/strict';
import { it } from 'node:test';
import { askedKey } from '@openfero/core/redis/approvals';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { targetsKey } from '@openfero/core/redis/targets';
import { at, jobsPath } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { startClusterSystem } from './cluster-system.ts';
import { notificationOf } from './system.ts';

await describeOnControlPlane('a Job that waits for a person', (plane) => {
  it('is asked about again after a loss of Redis, and takes its target when kubectl releases it', async (t) => {
    const system = await startClusterSystem(t, plane);
    await system.define(definition('Drain', { policy: { mode: 'approve', target: 'node' } }));
    await Promise.all([system.startReceiver(), system.startWorker()]);
    await Promise.all(system.workers.map((worker) => worker.ready()));
    const redis = new Redis(system.redis.url, { maxRetriesPerRequest: 1 });
    redis.on('error', () => {});
    t.after(() => redis.disconnect());
    const isAsked = async (): Promise<boolean> =>
      (await redis.hlen(askedKey(DEFAULT_PREFIX))) === 1;

    await system.post(notificationOf([{ alertname: 'Drain', node: 'worker-1' }]));
    await until('it is asked about', isAsked);
    await redis.flushall();
    // Else the correction after the loss takes the target within a second.
    await redis.hset(targetsKey(DEFAULT_PREFIX), 'known', Date.now());
    await until('it is asked about again', isAsked);

    const [job] = await system.jobs();
    const name = String(at(job, 'metadata', 'name'));
    const holders = async (): Promise<string[]> =>
      Object.values(await redis.hgetall(targetsKey(DEFAULT_PREFIX)));
    assert.ok(!(await holders()).some((holder) => holder.endsWith(`/${name}`)));
    await plane.request('PATCH', `${jobsPath(system.namespace)}/${name}`, {
      spec: { suspend: false },
    });
    await until(
      'it has its target',
      async () => (await holders()).some((holder) => holder.endsWith(`/${name}`)),
      5000,
    );
  });
});
