import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { unlink, writeFile } from 'node:fs/promises';
import { after, before, describe, type TestContext, test } from 'node:test';
import { createDirectoryCluster } from '@openfero/cluster/directory/cluster';
import { QUEUE, type Remediation } from '@openfero/core/redis/remediation';
import { definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { LATER, remediation, startsNow } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { Worker } from 'bullmq';
import { pino } from 'pino';
import { createDelivery } from '../../src/queue/delivery.ts';
import { createEpisodeMemory } from '../../src/redis/memory.ts';
import { createPlaces } from '../../src/redis/places.ts';
import type { AttemptResult, Delivery, Dependencies } from '../../src/remediation/attempt.ts';
import { createOperariusRegistry } from '../../src/remediation/registry.ts';
import { remediate } from '../../src/remediation/remediate.ts';
import { LockLost } from '../../src/remediation/verdict.ts';
import { readSettings } from '../../src/settings.ts';
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

describe('delivered a second time', () => {
  test('it finds its own Job, though a later trouble is remembered: created', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk');
    const worker = await runWorker(t, sandbox);
    const given = remediation('Disk');
    const { job } = await worker.end(await sandbox.add(given));
    // As a worker that was killed after the create leaves it; then another trouble is remembered.
    await sandbox.redis.del(await memoriesIn(sandbox));
    const neighbour = remediation('Disk', startsNow());
    assert.equal((await worker.end(await sandbox.add(neighbour)))['outcome'], 'created');

    const stalled = await step(sandbox, { ...(await deliveryBy(sandbox, given)), again: true });

    assert.deepEqual(resultOf(stalled), ['created', job, 'an earlier attempt created it']);
    const [memory = ''] = await memoriesIn(sandbox);
    assert.equal(await sandbox.redis.hget(memory, 'remediation'), neighbour.id);
    assert.equal((await sandbox.jobs()).length, 2);
  });
});

function resultOf(done: AttemptResult): unknown[] {
  assert.equal(done.kind, 'end');
  const { outcome, job, reason } = done.result;
  return [outcome, job, reason];
}

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
});

/** One attempt over real Redis and folders, in the hands of the test. */
async function step(sandbox: Sandbox, delivery: Delivery): Promise<AttemptResult> {
  const settings = readSettings(sandbox.env);
  const { redis, prefix, queue } = sandbox;
  assert.ok(settings.cluster.kind === 'directory');
  const cluster = await createDirectoryCluster(
    settings,
    settings.cluster,
    pino({ level: 'silent' }),
  );
  const deps: Dependencies = {
    ...{ settings, cluster },
    registry: createOperariusRegistry(cluster, settings.policy),
    memory: createEpisodeMemory(redis, prefix),
    places: createPlaces({ redis, prefix, queue, maxActiveJobs: settings.maxActiveJobs }),
  };
  try {
    return await remediate(delivery, deps);
  } finally {
    await cluster.close();
  }
}

const deliveryBy = async (sandbox: Sandbox, given: Remediation): Promise<Delivery> => ({
  remediation: given,
  entry: await sandbox.lock(given),
  again: false,
  lastError: undefined,
  confirmLock: async () => {},
  save: async () => {},
  freeOccurrence: async () => {},
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
    delivery: createDelivery(job, 'token', given),
    lockedBy: (token) => redis.set(`${prefix}:remediations:${id}:lock`, token),
  };
}
