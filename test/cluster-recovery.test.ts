import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { missingAlertmanager, startAlertmanager } from '@openfero/testkit/alertmanager';
import { at, type Cluster, finishJob } from '@openfero/testkit/controlplane';
import { Redis } from 'ioredis';
import { openControlPlane, startClusterSystem, withoutControlPlane } from './cluster-system.ts';
import { notificationOf, operariusOf } from './system.ts';

describe('on a real API server', await withoutControlPlane(), () => {
  let plane: Cluster;
  let stop: () => Promise<void> = async () => {};

  before(async () => {
    ({ plane, stop } = await openControlPlane());
  });
  after(() => stop());

  it('a limit holds after Redis has lost everything while Jobs still run', async (t) => {
    const namespace = await plane.createNamespace();
    const kubeconfig = plane.adminKubeconfig;
    const system = await startClusterSystem(t, { plane, namespace, kubeconfig });
    const [worker] = await Promise.all([system.startWorker(), system.startReceiver()]);
    await worker.ready();
    await system.define(operariusOf('Few', { annotations: { 'openfero.io/max-active': '2' } }));
    await worker.waitForLine((line) => line.msg === 'operarius is valid');
    const few = (...numbers: number[]): string =>
      notificationOf(numbers.map((i) => ({ alertname: 'Few', i: `${i}` })));
    await system.post(few(1, 2));
    await system.ended(2);

    const redis = new Redis(system.redis.url);
    await redis.flushall();
    redis.disconnect();
    await system.redis.restart();
    await system.receivers[0]?.ready();
    await worker.ready();
    const observer = new Redis(system.redis.url);
    t.after(() => observer.disconnect());
    while ((await observer.zcard('{openfero}:places')) < 2);
    assert.equal((await system.post(few(3))).status, 200);
    while ((await observer.zcard('{openfero}:held:max-active')) < 1);
    const jobs = await system.jobs();
    assert.equal(jobs.length, 2);

    await finishJob(plane, { namespace, name: String(at(jobs[0], 'metadata', 'name')) });
    const ends = await system.ended(3);
    assert.equal(ends[2]?.['outcome'], 'created');
    assert.equal((await system.jobs()).length, 3);
  });

  const skip = process.env['CI'] === 'true' ? false : missingAlertmanager();
  it('alerts of a real Alertmanager arrive as Jobs', { skip }, async (t) => {
    const namespace = await plane.createNamespace();
    const kubeconfig = plane.adminKubeconfig;
    const system = await startClusterSystem(t, { plane, namespace, kubeconfig });
    const [worker, receiver] = await Promise.all([system.startWorker(), system.startReceiver()]);
    await system.define(operariusOf('Disk'));
    await system.define(operariusOf('Disk', { status: 'resolved' }));
    await worker.waitForLine((line) => line['operarius'] === 'openfero-disk-resolved');
    const alertmanager = await startAlertmanager({
      receiverUrl: `${await receiver.url()}/alerts`,
      groupWait: '200ms',
      groupInterval: '1s',
      repeatInterval: '1h',
    });
    t.after(() => alertmanager.stop());
    const startsAt = new Date().toISOString();
    const alerts = ['a', 'b'].map((instance) => ({
      labels: { alertname: 'Disk', instance },
      startsAt,
    }));
    await alertmanager.post(alerts);
    await system.ended(2);
    // One of the group resolves: the notification holds both.
    await alertmanager.post(
      alerts.slice(0, 1).map((one) => ({ ...one, endsAt: new Date().toISOString() })),
    );
    const ends = await system.ended(4);
    const kinds = ends.map(({ status, outcome }) => `${status} ${outcome}`).sort();
    assert.deepEqual(kinds, [
      'firing created',
      'firing created',
      'firing deduplicated',
      'resolved created',
    ]);
    assert.equal((await system.jobs()).length, 3);
  });
});
