import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { instantOf } from '@openfero/core/instant';
import type { Remediation } from '@openfero/core/redis/remediation';
import { definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation, startsNow } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { createSandbox, type Line, runWorker, type Sandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

type Policy = Readonly<Record<string, string>>;

async function sandboxWith(t: TestContext, policy: Policy = {}): Promise<Sandbox> {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk', definition('Disk', { policy }));
  return sandbox;
}

/** Queues all, runs two workers until each has ended. @returns the lines of their ends */
async function endAll(
  t: TestContext,
  sandbox: Sandbox,
  given: readonly Remediation[],
): Promise<readonly Line[]> {
  await Promise.all(given.map(sandbox.add));
  const workers = [await runWorker(t, sandbox), await runWorker(t, sandbox)];
  const ended = async () => (await sandbox.queue.getCompletedCount()) === given.length;
  await until('all have ended', ended, 60_000);
  for (const worker of workers) await worker.stop();
  return workers.flatMap(({ lines }) => lines).filter(({ outcome }) => outcome !== undefined);
}

const outcomes = (lines: readonly Line[]): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(lines, ({ outcome }) => String(outcome))].map(([end, of]) => [end, of.length]),
  );

describe('one trouble, one Job', () => {
  test('two Alertmanagers that do not know each other, and disagree by 1.3 s, tell of 300 alerts', async (t) => {
    const sandbox = await sandboxWith(t);
    const start = Date.now() - 60_000;
    const told = (source: number) => (_: unknown, i: number) =>
      remediation('Disk', {
        labels: { instance: String(i) },
        alert: { startsAt: instantOf(start + 1300 * source) },
        group: { key: `{}:{source="${source}"}` },
      });
    const alerts = Array.from({ length: 300 });
    const both = [...alerts.map(told(0)), ...alerts.map(told(1))];
    const mixed = both.toSorted((a, b) => Number(a.id > b.id) - 0.5);

    const lines = await endAll(t, sandbox, mixed);

    assert.equal((await sandbox.jobs()).length, 300);
    assert.deepEqual(outcomes(lines), { created: 300, deduplicated: 300 });
  });

  test('an alert flaps while no worker runs', async (t) => {
    const sandbox = await sandboxWith(t, { cooldown: '0s' });
    const start = Date.now() - 60_000;
    const flaps = Array.from({ length: 8 }, (_, i) =>
      remediation('Disk', { alert: { startsAt: instantOf(start + i * 5000) } }),
    );
    const lines = await endAll(t, sandbox, flaps);
    assert.equal((await sandbox.jobs()).length, 1);
    assert.deepEqual(outcomes(lines), { created: 1, deduplicated: 7 });
  });

  test('an alert resolves again and again while no worker runs', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk', definition('Disk', { status: 'resolved' }));
    const end = Date.now() - 60_000;
    const given = Array.from({ length: 8 }, (_, i) => {
      const [startsAt, endsAt] = [instantOf(end + i * 5000 - 1000), instantOf(end + i * 5000)];
      return remediation('Disk', { alert: { status: 'resolved', startsAt, endsAt } });
    });
    const lines = await endAll(t, sandbox, given);
    assert.deepEqual(outcomes(lines), { created: 1, deduplicated: 7 });
  });

  test('flaps are held by a cooldown', async (t) => {
    const sandbox = await sandboxWith(t, { cooldown: '3s' });
    const worker = await runWorker(t, sandbox);
    const first = await worker.end(await sandbox.add(remediation('Disk')));
    assert.equal(first['outcome'], 'created');
    const flaps = Array.from({ length: 6 }, (_, i) =>
      remediation('Disk', { alert: { startsAt: instantOf(Date.now() + i) } }),
    );
    await Promise.all(flaps.map(sandbox.add));
    await until('all are held', async () => (await sandbox.queue.getDelayedCount()) === 6);
    const lines = await Promise.all(flaps.map(({ id }) => worker.end(id)));
    assert.deepEqual(outcomes(lines), { created: 1, deduplicated: 5 });
    assert.equal((await sandbox.jobs()).length, 2);
  });

  test('while another episode is about to get its Job, one is held, for all to see', async (t) => {
    const sandbox = await sandboxWith(t);
    const worker = await runWorker(t, sandbox);
    const first = remediation('Disk', startsNow());
    const { job } = await worker.end(await sandbox.add(first));
    const [memory = ''] = await sandbox.redis.keys(`${sandbox.prefix}:memory:*`);
    await sandbox.redis.del(memory);
    const claim = [first.alert.startsAt, '0', job, first.id, String(Date.now())];
    const key = memory.replace(':memory:', ':claim:');
    await sandbox.redis.set(key, JSON.stringify(claim));

    const id = await sandbox.add(remediation('Disk'));
    const gauge = 'openfero_remediations_held{reason="claimed"}';
    await until('held', async () => (await worker.metric(gauge)) === 1);
    const { data } = (await sandbox.queue.getJob(id)) ?? {};
    assert.equal(data.held.reason, 'claimed');
    assert.ok(data.cooled >= 1000, 'it does not count towards max-age');

    // Its worker was killed: after a minute somebody else looks whether it got its Job.
    claim[4] = String(Date.now() - 60_000);
    await sandbox.redis.set(key, JSON.stringify(claim));
    const { outcome, job: same } = await worker.end(id);
    assert.deepEqual([outcome, same], ['deduplicated', job]);
    assert.equal(await sandbox.redis.exists(key), 0);
    assert.equal(await sandbox.redis.hget(memory, 'remediation'), first.id);
  });

  test('a claim whose worker was killed before it created anything is taken over', async (t) => {
    const sandbox = await sandboxWith(t);
    const worker = await runWorker(t, sandbox);
    await worker.end(await sandbox.add(remediation('Disk')));
    const [memory = ''] = await sandbox.redis.keys(`${sandbox.prefix}:memory:*`);
    await sandbox.redis.del(memory);
    const key = memory.replace(':memory:', ':claim:');
    for (const claim of [
      [instantOf(1), '0', 'disk-0123456789', 'x', '1'],
      ['', '', '', '', '1'],
    ]) {
      await sandbox.redis.set(key, JSON.stringify(claim));
      await sandbox.redis.del(memory);
      assert.equal(
        (await worker.end(await sandbox.add(remediation('Disk', startsNow()))))['outcome'],
        'created',
      );
      assert.equal(await sandbox.redis.exists(key), 0, 'what is remembered needs no claim');
    }
  });
});

describe('an alert of which a wrong clock says that it began in 2031', () => {
  const ahead = { alert: { startsAt: instantOf(Date.UTC(2031, 0)) } };

  test('silences its own episode, and no other', async (t) => {
    const sandbox = await sandboxWith(t, { cooldown: '0s' });
    const worker = await runWorker(t, sandbox);
    const end = async (of: Parameters<typeof remediation>[1]): Promise<unknown> =>
      (await worker.end(await sandbox.add(remediation('Disk', of))))['outcome'];
    assert.equal(await end(ahead), 'created');
    assert.equal(await end(ahead), 'deduplicated');
    assert.equal(await end(startsNow()), 'created', 'the next real one runs');
    assert.equal(await end(ahead), 'deduplicated', 'its Job is still there');
  });
});
