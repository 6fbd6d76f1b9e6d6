import assert from 'node:assert/strict';
import { it } from 'node:test';
import { askedKey } from '@openfero/core/redis/approvals';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { startClusterSystem } from './cluster-system.ts';
import { notificationOf } from './system.ts';

await describeOnControlPlane('only-after-firing', (plane) => {
  it('undoes nothing where the Job of the firing alert still waits for a person', async (t) => {
    const system = await startClusterSystem(t, plane);
    await system.define(definition('Scale', { policy: { mode: 'approve' } }));
    const undo = { status: 'resolved', policy: { 'only-after-firing': 'true' } } as const;
    await system.define(definition('Scale', undo));
    const [worker] = await Promise.all([system.startWorker(), system.startReceiver()]);
    await worker.ready();
    const redis = new Redis(system.redis.url, { maxRetriesPerRequest: 1 });
    redis.on('error', () => {});
    t.after(() => redis.disconnect());

    const labels = { alertname: 'Scale', node: 'a' };
    await system.post(notificationOf([labels]));
    const asked = async (): Promise<number> => redis.hlen(askedKey(DEFAULT_PREFIX));
    await until('a person is asked', async () => (await asked()) === 1);
    const over = { status: 'resolved', endsAt: new Date().toISOString() };
    await system.post(notificationOf([labels], over));
    const end = await worker.waitForLine(
      (line) => line['status'] === 'resolved' && line['outcome'] !== undefined,
    );
    assert.equal(end['outcome'], 'not-matched');
    assert.match(
      String(end['reason']),
      /^only-after-firing: Job scale-\w+ of ConfigMap openfero-scale-firing waits for a person, /,
    );
    await until('it is withdrawn', async () => (await asked()) === 0);
    await until('no Job is left', async () => (await system.jobs()).length === 0);
  });
});
