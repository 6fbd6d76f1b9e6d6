import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type Remediation, rerunOf } from '@openfero/core/redis/remediation';
import { definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { deliveryBy, step } from '../attempt.ts';
import { createSandbox, runWorker, type Sandbox, type TestWorker } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

type Policy = Readonly<Record<string, string>>;

interface Running {
  readonly sandbox: Sandbox;
  readonly worker: TestWorker;
  /** The remediation whose Job is run again, and the name of that Job. */
  readonly first: Remediation;
  readonly job: string;
}

/** A worker, and a Job that it has created. With the directory cluster a Job has ended once it is written. */
async function running(t: TestContext, policy: Policy = {}): Promise<Running> {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk', definition('Disk', { policy }));
  const worker = await runWorker(t, sandbox);
  const first = remediation('Disk');
  const { outcome, job } = await worker.end(await sandbox.add(first));
  assert.equal(outcome, 'created');
  return { sandbox, worker, first, job: String(job) };
}

const rerun = (of: Remediation, uid = 'uid-1'): Remediation =>
  rerunOf(of, { of: uid, press: 'press', at: Date.now() });

describe('a Job that a person has run again', () => {
  for (const policy of [
    {},
    { cooldown: '1h' },
    { 'dedup-by': 'group', cooldown: '1h' },
    { 'dedup-by': 'operarius' },
  ]) {
    test(`is a new Job of the same occurrence, with ${JSON.stringify(policy)}`, async (t) => {
      const { sandbox, worker, first, job } = await running(t, policy);
      const { outcome, job: second } = await worker.end(await sandbox.add(rerun(first)));
      assert.equal(outcome, 'created');
      assert.deepEqual(await sandbox.jobs(), [job, String(second)].sort());
      assert.match(await sandbox.readJob(String(second)), /openfero\.io\/remediation: rerun-uid-1/);
    });
  }

  test('is remembered: what Alertmanager repeats is absorbed, and another rerun counts on', async (t) => {
    const { sandbox, worker, first, job } = await running(t);
    const second = String((await worker.end(await sandbox.add(rerun(first))))['job']);
    const repeated = await worker.end(await sandbox.add(remediation('Disk')));
    assert.equal(repeated['outcome'], 'deduplicated');
    assert.equal(repeated['job'], second);
    const third = String((await worker.end(await sandbox.add(rerun(first, 'uid-2'))))['job']);
    assert.deepEqual(await sandbox.jobs(), [job, second, third].sort());
  });

  test('is one Job however often it is delivered', async (t) => {
    const { sandbox, first } = await running(t);
    const again = rerun(first);
    const delivery = await deliveryBy(sandbox, again);
    const one = await step(sandbox, delivery);
    const two = await step(sandbox, { ...delivery, again: true });
    const jobs = await sandbox.jobs();
    assert.equal(jobs.length, 2);
    for (const { kind, ...ended } of [one, two]) {
      assert.equal(kind, 'end');
      assert.ok('result' in ended && jobs.includes(ended.result.job ?? ''));
    }
    assert.ok(one.kind === 'end' && two.kind === 'end');
    assert.equal(one.result.job, two.result.job);
  });

  test('runs also where Redis has lost the memory, and the Job that failed is still there', async (t) => {
    const { sandbox, worker, first, job } = await running(t);
    await sandbox.redis.del(await sandbox.redis.keys(`${sandbox.prefix}:memory:*`));
    const { outcome, job: second } = await worker.end(await sandbox.add(rerun(first)));
    assert.equal(outcome, 'created');
    assert.notEqual(second, job);
    // The place that was taken for the first name is given back: no Job holds it.
    assert.deepEqual(await sandbox.redis.zrange(`${sandbox.prefix}:places`, '0', '-1'), []);
  });

  test('is held by a limit as every other one', async (t) => {
    const { sandbox, first } = await running(t, { 'max-active': '1' });
    const place = 'openfero-disk-firing/another-job';
    for (const set of ['places', 'places:openfero-disk-firing'])
      await sandbox.redis.zadd(`${sandbox.prefix}:${set}`, Date.now(), place);
    const result = await step(sandbox, await deliveryBy(sandbox, rerun(first)));
    assert.ok(result.kind === 'hold');
    assert.equal(result.reason, 'max-active');
  });

  test('does not run where OpenFero is switched off, or the alert has resolved', async (t) => {
    const { sandbox, worker, first, job } = await running(t);
    await sandbox.receive(first, {
      status: 'resolved',
      receivedAt: Date.now() + 1000,
      startsAt: first.alert.startsAt,
      endsAt: '2026-11-22T04:30:00.000000000Z',
    });
    assert.equal((await worker.end(await sandbox.add(rerun(first))))['outcome'], 'superseded');
    await sandbox.define('Disk', definition('Disk', { policy: { mode: 'off' } }));
    const off = await step(sandbox, await deliveryBy(sandbox, rerun(first, 'uid-3')));
    assert.equal(off.kind === 'end' && off.result.outcome, 'off');
    assert.deepEqual(await sandbox.jobs(), [job]);
  });
});
