import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { definition } from '@openfero/testkit/operarii';
import { serverOf, startService } from '@openfero/testkit/process';
import { freePort, startRedis } from '@openfero/testkit/redis';
import { until } from '@openfero/testkit/until';
import { drained, envOf, notificationOf, type System, startSystem } from './system.ts';

/** Posts once and measures the time. */
async function tryPost(system: System, instance: string): Promise<{ status: number; ms: number }> {
  const since = performance.now();
  const response = await system.post(notificationOf([{ alertname: 'Any', instance }]));
  await response.arrayBuffer();
  return { status: response.status, ms: performance.now() - since };
}

/** Posts until it is accepted, as Alertmanager does. */
async function postUntilTaken(system: System, instance: string): Promise<void> {
  const isTaken = async (): Promise<boolean> => (await tryPost(system, instance)).status === 200;
  await until('a notification is accepted', isTaken);
}

async function running(system: System): Promise<void> {
  await system.define('any.yaml', definition('Any'));
  await Promise.all([system.startReceiver(), system.startWorker()]);
  await Promise.all([...system.receivers, ...system.workers].map((service) => service.ready()));
}

function assertRefused({ status, ms }: { status: number; ms: number }): void {
  assert.equal(status, 503);
  assert.ok(ms < 2000, `within 2 s, not ${Math.round(ms)} ms`);
}

describe('without Redis a notification is refused with 503 within 2 s, and no service needs a restart', () => {
  it('when Redis is stopped and comes back', async (t) => {
    const system = await startSystem(t);
    await running(system);
    assert.equal((await tryPost(system, 'before')).status, 200);
    await system.ended(1);
    await system.redis.kill();
    assertRefused(await tryPost(system, 'away'));
    await system.redis.restart();
    await postUntilTaken(system, 'after');
    const ends = await system.ended(2);
    assert.deepEqual(
      ends.map((end) => end['outcome']),
      ['created', 'created'],
    );
  });

  it('when Redis hangs, also for the first notification', async (t) => {
    const system = await startSystem(t);
    await running(system);
    system.redis.pause();
    for (const instance of ['first', 'second', 'third']) {
      assertRefused(await tryPost(system, instance));
    }
    system.redis.resume();
    await postUntilTaken(system, 'after');
    await system.workers[0]?.waitForLine((line) => line['outcome'] === 'created');
  });

  it('when Redis is not started yet', async (t) => {
    const port = await freePort();
    const receiver = await startService(serverOf('receiver'), envOf(`redis://127.0.0.1:${port}`));
    t.after(() => receiver.stop());
    const post = async (): Promise<number> => {
      const response = await fetch(`${await receiver.url()}/alerts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: notificationOf([{ alertname: 'Any' }]),
      });
      return response.status;
    };
    assert.equal(await post(), 503);
    const redis = await startRedis({ port });
    t.after(() => redis.stop());
    await receiver.ready();
    assert.equal(await post(), 200);
  });
});

describe('an acknowledged alert is not lost', () => {
  it('when receiver and Redis are killed before a worker takes it', async (t) => {
    const system = await startSystem(t);
    await system.define('any.yaml', definition('Any'));
    const receiver = await system.startReceiver();
    await receiver.ready();
    const instances = Array.from({ length: 100 }, (_, i) => ({
      alertname: 'Any',
      instance: `${i}`,
    }));
    const response = await system.post(notificationOf(instances));
    assert.equal(response.status, 200);
    receiver.kill('SIGKILL');
    await system.redis.restart();
    await system.startWorker({
      OPENFERO_MAX_ACTIVE_JOBS: '0',
      OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '0',
    });
    await system.ended(100);
    assert.equal((await system.jobs()).length, 100);
  });

  it('when a worker is killed: another one takes over within 20 s, with one Job per alert', async (t) => {
    const system = await startSystem(t);
    await system.define('any.yaml', definition('Any'));
    const limits = { OPENFERO_MAX_ACTIVE_JOBS: '0', OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '0' };
    await Promise.all([system.startReceiver(), system.startWorker(limits)]);
    const [killed] = system.workers;
    const instances = Array.from({ length: 500 }, (_, i) => ({
      alertname: 'Any',
      instance: `${i}`,
    }));
    await system.post(notificationOf(instances));
    await killed?.waitForLine((line) => line['outcome'] === 'created');
    killed?.kill('SIGKILL');
    await killed?.exited;
    const other = await system.startWorker(limits);
    await drained(other, 20_000);
    assert.equal((await system.jobs()).length, 500);
  });
});
