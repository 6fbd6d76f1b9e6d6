import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type Cluster, ClusterError } from '@openfero/cluster/cluster';
import { JOB_FIELD } from '@openfero/core/redis/places';
import { QUEUE, readRemediation } from '@openfero/core/redis/remediation';
import { type Definition, definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { LATER, remediation, startsNow } from '@openfero/testkit/remediations';
import type { AttemptResult } from '../../src/remediation/attempt.ts';
import { deliveryBy, step } from '../attempt.ts';
import { createSandbox, runWorker, type Sandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const keysOf = ({ redis, prefix }: Sandbox, kind: 'memory' | 'claim'): Promise<string[]> =>
  redis.keys(`${prefix}:${kind}:*`);

function resultOf(done: AttemptResult): unknown[] {
  assert.equal(done.kind, 'end');
  const { outcome, job, reason } = done.result;
  return [outcome, job, reason];
}

/** What is left of a remediation whose worker was killed after the create: its Job, and its payload. */
async function killedAfterCreate(t: TestContext, of: Definition = {}) {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk', definition('Disk', of));
  const worker = await runWorker(t, sandbox);
  const id = await sandbox.add(remediation('Disk'));
  const { job } = await worker.end(id);
  await sandbox.redis.del(await keysOf(sandbox, 'memory'));
  const { data } = (await sandbox.queue.getJob(id)) ?? {};
  return { sandbox, worker, job: String(job), payload: readRemediation(data) };
}

describe('delivered a second time', () => {
  test('it finds its own Job, though a later trouble is remembered: created', async (t) => {
    const { sandbox, worker, job, payload } = await killedAfterCreate(t);
    const neighbour = remediation('Disk', startsNow());
    assert.equal((await worker.end(await sandbox.add(neighbour)))['outcome'], 'created');

    const again = await step(sandbox, { ...(await deliveryBy(sandbox, payload)), again: true });

    assert.deepEqual(resultOf(again), ['created', job, 'an earlier attempt created it']);
    const [memory = ''] = await keysOf(sandbox, 'memory');
    assert.equal(await sandbox.redis.hget(memory, 'remediation'), neighbour.id);
    assert.equal((await sandbox.jobs()).length, 2);
  });

  const CHANGES: readonly (readonly [what: string, from: Definition, to: Definition])[] = [
    ["the template's name", {}, { job: { metadata: { name: 'renamed' } } }],
    ['dedup-by', {}, { policy: { 'dedup-by': 'operarius' } }],
    [
      'the cooldown, which is the window of a group',
      { policy: { 'dedup-by': 'group', cooldown: '1000h' } },
      { policy: { 'dedup-by': 'group', cooldown: '1s' } },
    ],
  ];
  for (const [what, from, to] of CHANGES) {
    test(`it finds its own Job, though ${what} has changed: created`, async (t) => {
      const { sandbox, worker, job, payload } = await killedAfterCreate(t, from);
      await worker.stop();
      await sandbox.define('Disk', definition('Disk', to));

      const again = await step(sandbox, { ...(await deliveryBy(sandbox, payload)), again: true });

      assert.deepEqual(resultOf(again), ['created', job, 'an earlier attempt created it']);
      assert.deepEqual(await sandbox.jobs(), [job]);
      const [memory = ''] = await keysOf(sandbox, 'memory');
      assert.equal(await sandbox.redis.hget(memory, 'job'), job);
    });
  }

  for (const kept of ['', '../../../api/v1/secrets']) {
    test(`it finds its own Job by the definition, where the kept name is '${kept}'`, async (t) => {
      const { sandbox, job, payload } = await killedAfterCreate(t);
      const delivery = { ...(await deliveryBy(sandbox, payload)), again: true };
      await sandbox.redis.hset(delivery.entry.key, JOB_FIELD, kept);
      const again = await step(sandbox, delivery);
      assert.deepEqual(resultOf(again), ['created', job, 'an earlier attempt created it']);
    });
  }
});

/** A cluster that does this when it is told to create a Job. */
const byCreating =
  (create: () => Promise<never>) =>
  (cluster: Cluster): Cluster => ({ ...cluster, jobs: { ...cluster.jobs, create } });

describe('before a create', () => {
  test("the Job's name is in the queue", async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk');
    const worker = await runWorker(t, sandbox);
    await rm(sandbox.jobsDir, { recursive: true });
    const id = await sandbox.add(remediation('Disk'));
    await worker.line(({ msg }) => msg === 'attempt failed, will be retried');
    const kept = await sandbox.redis.hget(`${sandbox.prefix}:${QUEUE}:${id}`, JOB_FIELD);
    assert.match(String(kept), /^disk-[0-9a-f]{10}$/);
    assert.equal((await keysOf(sandbox, 'claim')).length, 1, 'it may have been created');
  });

  test('the name of a Job that an earlier attempt did not create is replaced', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk');
    const delivery = { ...(await deliveryBy(sandbox, remediation('Disk'))), again: true };
    const { key } = delivery.entry;
    await sandbox.redis.hset(key, { data: 'kept', [JOB_FIELD]: 'other-0123456789' });
    const [outcome, job] = resultOf(await step(sandbox, delivery));
    assert.equal(outcome, 'created');
    assert.deepEqual(await sandbox.redis.hgetall(key), { data: 'kept', [JOB_FIELD]: job });
  });

  test('a remediation that a person has removed leaves nothing in the queue', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk');
    const delivery = await deliveryBy(sandbox, remediation('Disk'));
    await step(sandbox, delivery);
    assert.equal(await sandbox.redis.exists(delivery.entry.key), 0);
  });

  test('that comes too late, nothing stays taken', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk');
    const given = remediation('Disk');
    const over = { status: 'resolved', endsAt: LATER, receivedAt: given.receivedAt + 1 } as const;
    await sandbox.receive(given, over);
    const done = await step(sandbox, await deliveryBy(sandbox, given));
    assert.equal(done.kind === 'end' && done.result.outcome, 'superseded');
    assert.deepEqual(await keysOf(sandbox, 'claim'), []);
    assert.equal(await sandbox.redis.zcard(`${sandbox.prefix}:places`), 0);
  });

  test('that is refused for an attempt that was overtaken, what the next one took stays taken', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk', definition('Disk', { policy: { cooldown: '0s' } }));
    const given = remediation('Disk');
    const noAnswer = byCreating(async () => {
      throw new ClusterError('the connection broke', { reason: 'ECONNRESET' });
    });
    const overtaken = byCreating(async () => {
      // It stood still, so its remediation has gone to another worker, which hears nothing of its Job.
      const next = { ...(await deliveryBy(sandbox, given)), again: true };
      await assert.rejects(step(sandbox, next, noAnswer), /connection broke/);
      throw new ClusterError('422 Invalid', { status: 422, reason: 'Invalid' });
    });

    await assert.rejects(step(sandbox, await deliveryBy(sandbox, given), overtaken), /422 Invalid/);

    assert.equal((await keysOf(sandbox, 'claim')).length, 1);
    assert.equal(await sandbox.redis.zcard(`${sandbox.prefix}:places`), 1);
    const later = await step(sandbox, await deliveryBy(sandbox, remediation('Disk', startsNow())));
    assert.equal(later.kind === 'hold' && later.reason, 'claimed');
  });

  test('that is refused for certain, the claim is given back', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk');
    const delivery = await deliveryBy(sandbox, remediation('Disk'));
    let claims = 0;
    const refusing = byCreating(async () => {
      claims = (await keysOf(sandbox, 'claim')).length;
      throw new ClusterError('422 Invalid', { status: 422, reason: 'Invalid' });
    });
    await assert.rejects(step(sandbox, delivery, refusing), /422 Invalid/);
    assert.equal(claims, 1);
    assert.deepEqual(await keysOf(sandbox, 'claim'), []);
    assert.equal(await sandbox.redis.zcard(`${sandbox.prefix}:places`), 0);
  });
});
