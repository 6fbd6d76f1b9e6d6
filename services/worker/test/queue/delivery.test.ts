import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { unlink, writeFile } from 'node:fs/promises';
import { after, before, describe, type TestContext, test } from 'node:test';
import { QUEUE, type Remediation } from '@openfero/core/redis/remediation';
import { definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { LATER, remediation, startsNow } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { Worker } from 'bullmq';
import { createDelivery, createStorePayload } from '../../src/queue/delivery.ts';
import type { Delivery } from '../../src/remediation/attempt.ts';
import { LockLost } from '../../src/remediation/verdict.ts';
import { deliveryBy, step } from '../attempt.ts';
import { makePipe, reading } from '../pipe.ts';
import { createSandbox, runWorker, type Sandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

test('a worker that lost its lock creates nothing, and tells of no end', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk', definition('Disk', { policy: { cooldown: '0s' } }));
  const worker = await runWorker(t, sandbox);
  const first = await worker.end(await sandbox.add(remediation('Disk')));

  // It looks at the Job of the trouble before, and is stuck there.
  const given = remediation('Disk', startsNow());
  const path = `${sandbox.jobsDir}/${first['job']}.yaml`;
  await makePipe(path);
  const id = await sandbox.add(given);
  const stuck = await reading(t, path);
  await unlink(path);
  await writeFile(path, 'kind: Job\n');
  await sandbox.redis.del(`${sandbox.prefix}:remediations:${id}:lock`);
  const second = await worker.end(id);
  assert.equal(second['outcome'], 'created');
  assert.equal((await sandbox.queue.getJob(id))?.stalledCounter, 1);

  // Nothing but the lock stands in its way: no Job, and no memory.
  await unlink(`${sandbox.jobsDir}/${second['job']}.yaml`);
  await sandbox.redis.del(await memoriesIn(sandbox));
  await stuck.letGo();
  const other = remediation('Disk', { labels: { zone: 'dmz' } });
  await worker.end(await sandbox.add(other));
  await until('nothing is in hand', async () => (await sandbox.queue.getActiveCount()) === 0);

  assert.equal((await sandbox.jobs()).includes(String(second['job'])), false);
  const ends = worker.lines.filter((each) => each['remediation'] === id && each['outcome']);
  assert.equal(ends.length, 1);
});

const memoriesIn = ({ redis, prefix }: Sandbox): Promise<string[]> =>
  redis.keys(`${prefix}:memory:*`);

describe('before it gives up as superseded, it frees its occurrence and looks again', () => {
  const given = remediation('Disk');
  const resolved = { status: 'resolved', endsAt: LATER, receivedAt: given.receivedAt + 1 } as const;

  test('and goes on where the alert fires again', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk');
    await sandbox.receive(given, resolved);
    const done = await step(sandbox, {
      ...(await deliveryBy(sandbox, given)),
      // A notification that was absorbed just before: its state is there.
      freeOccurrence: () => sandbox.receive(given, { receivedAt: given.receivedAt + 2 }),
    });
    assert.equal(done.kind === 'end' && done.result.outcome, 'created');
  });

  test('and a re-fire while it ends is queued, not absorbed', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk');
    await sandbox.receive(given, resolved);
    const { delivery } = await taken(t, sandbox, given);
    const again = { ...given, id: randomUUID() };
    let queued = '';
    const done = await step(sandbox, {
      ...delivery,
      async freeOccurrence() {
        assert.equal(await sandbox.add(again), given.id, 'absorbed until then');
        await delivery.freeOccurrence();
        queued = await sandbox.add(again);
      },
    });
    assert.equal(done.kind === 'end' && done.result.outcome, 'superseded');
    assert.equal(queued, again.id);
  });
});

describe('the lock of a delivery', () => {
  const late = 6000;

  test('is trusted for 5 s, then asked for', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    const fresh = await taken(t, sandbox, remediation('Fresh'));
    await fresh.lockedBy('another');
    await fresh.delivery.confirmLock();
    const old = await taken(t, sandbox, remediation('Old'), Date.now() - late);
    await old.delivery.confirmLock();
    await old.lockedBy('another');
    await old.delivery.confirmLock();
  });

  test('is another’s: it stops, and keeps nothing in the queue', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    for (const processedOn of [Date.now() - late, Date.now() + 60_000]) {
      const given = remediation('Disk', { labels: { at: String(processedOn) } });
      const { delivery, lockedBy, id } = await taken(t, sandbox, given, processedOn);
      await lockedBy('another');
      await assert.rejects(delivery.confirmLock(), LockLost);
      await assert.rejects(delivery.save({ ...given, cooled: 5 }), LockLost);
      assert.equal((await sandbox.queue.getJob(id))?.data.cooled, undefined);
    }
  });

  test('is another’s since a moment: nothing is kept in the queue either', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    const given = remediation('Disk');
    const { delivery, lockedBy, id } = await taken(t, sandbox, given);
    await delivery.save({ ...given, cooled: 5 });
    await lockedBy('another');
    await assert.rejects(delivery.save(given), LockLost);
    assert.equal((await sandbox.queue.getJob(id))?.data.cooled, 5);
  });
});

interface Taken {
  readonly id: string;
  readonly delivery: Delivery;
  readonly lockedBy: (token: string) => Promise<unknown>;
}

/** Takes a remediation from the queue by hand. @param processedOn when BullMQ asked for it */
async function taken(
  t: TestContext,
  sandbox: Sandbox,
  given: Remediation,
  processedOn = Date.now(),
): Promise<Taken> {
  const id = await sandbox.add(given);
  const { redis, prefix } = sandbox;
  const worker = new Worker(QUEUE, null, { connection: redis, prefix, autorun: false });
  t.after(() => worker.close(true));
  const job = await worker.getNextJob('token');
  assert.equal(job?.id, id);
  job.processedOn = processedOn;
  return {
    id,
    delivery: createDelivery(job, 'token', given, createStorePayload(redis)),
    lockedBy: (token) => redis.set(`${prefix}:remediations:${id}:lock`, token),
  };
}
