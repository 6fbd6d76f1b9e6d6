import assert from 'node:assert/strict';
import { it } from 'node:test';
import { missingAlertmanager, startAlertmanager } from '@openfero/testkit/alertmanager';
import { at, finishJob } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { startClusterSystem } from './cluster-system.ts';
import { notificationOf } from './system.ts';

await describeOnControlPlane('on a real API server', (plane) => {
  it('keeps a limit after Redis has lost its data while Jobs still run', async (t) => {
    const system = await startClusterSystem(t, plane);
    const [worker] = await Promise.all([system.startWorker(), system.startReceiver()]);
    await worker.ready();
    await system.define(definition('Few', { policy: { 'max-active': '2' } }));
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
    const members = (key: string): Promise<number> => observer.zcard(`{openfero}:${key}`);
    await until('both Jobs have a place', async () => (await members('places')) === 2);
    assert.equal((await system.post(few(3))).status, 200);
    await until('the third is held', async () => (await members('held:max-active')) === 1);
    const jobs = await system.jobs();
    assert.equal(jobs.length, 2);

    const name = String(at(jobs[0], 'metadata', 'name'));
    await finishJob(plane, { namespace: system.namespace, name });
    const ends = await system.ended(3);
    assert.equal(ends[2]?.['outcome'], 'created');
    assert.equal((await system.jobs()).length, 3);
  });

  const skip = process.env['CI'] === 'true' ? false : missingAlertmanager();
  it('creates Jobs for alerts from a real Alertmanager', { skip }, async (t) => {
    const system = await startClusterSystem(t, plane);
    const [worker, receiver] = await Promise.all([system.startWorker(), system.startReceiver()]);
    await system.define(definition('Disk'));
    await system.define(definition('Disk', { status: 'resolved' }));
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
    // One alert of the group resolves: the notification contains both.
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
