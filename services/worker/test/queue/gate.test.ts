import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { test } from 'node:test';
import { freePort, startRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { createSandbox, runWorker, type Sandbox, type TestWorker } from '../worker.ts';

const statusOf = async ({ url }: TestWorker, path: string): Promise<number> =>
  (await fetch(url + path)).status;

const readyIs = (worker: TestWorker, status: number) => async (): Promise<boolean> =>
  (await statusOf(worker, '/readyz')) === status;

const waitingIs =
  ({ queue }: Sandbox, count: number) =>
  async (): Promise<boolean> =>
    (await queue.getWaitingCount()) + (await queue.getDelayedCount()) === count;

test('while the operarii cannot be read nothing is taken and nothing fails; then all runs', async (t) => {
  const redis = await startRedis();
  const sandbox = await createSandbox(t, redis.url);
  await sandbox.define('Disk');
  const worker = await runWorker(t, sandbox);
  t.after(() => redis.stop());
  await until('ready', readyIs(worker, 200));

  await rename(sandbox.operariiDir, `${sandbox.operariiDir}-away`);
  await worker.line(({ msg }) => msg === 'taking no remediations');
  assert.equal(await statusOf(worker, '/readyz'), 503);
  assert.equal(await statusOf(worker, '/healthz'), 200);
  const given = ['a', 'b', 'c'].map((zone) => remediation('Disk', { labels: { zone } }));
  for (const one of given) await sandbox.add(one);
  await until('none is taken', waitingIs(sandbox, 3));

  await rename(`${sandbox.operariiDir}-away`, sandbox.operariiDir);
  for (const { id } of given) {
    assert.equal((await worker.end(id))['outcome'], 'created');
    assert.equal((await sandbox.queue.getJob(id))?.attemptsMade, 1, 'no attempt was burnt');
  }
  assert.equal(await sandbox.queue.getFailedCount(), 0);
  assert.equal(await statusOf(worker, '/readyz'), 200);
});

test('without Redis at the start it lives and can be scraped, and works once Redis is there', async (t) => {
  const port = await freePort();
  const sandbox = await createSandbox(t, `redis://127.0.0.1:${port}`);
  await sandbox.define('Disk');
  const worker = await runWorker(t, sandbox);

  assert.equal(await statusOf(worker, '/readyz'), 503);
  assert.equal(await statusOf(worker, '/healthz'), 200);
  const shared = [
    'openfero_queue_remediations{state="waiting"}',
    'openfero_queue_oldest_waiting_seconds',
    'openfero_remediations_held{reason="cooldown"}',
  ];
  for (const gauge of shared) assert.ok(Number.isNaN(await worker.metric(gauge)), gauge);
  assert.ok((await worker.metric('openfero_watch_age_seconds{resource="configmaps"}')) < 5);

  const redis = await startRedis({ port });
  t.after(() => redis.stop());
  await until('ready', readyIs(worker, 200));
  const given = remediation('Disk');
  await sandbox.add(given);
  assert.equal((await worker.end(given.id))['outcome'], 'created');
  for (const gauge of shared) {
    await until(gauge, async () => (await worker.metric(gauge)) === 0);
  }
});

test('when Redis goes it is not ready, and goes on by itself when Redis is back', async (t) => {
  const redis = await startRedis();
  const sandbox = await createSandbox(t, redis.url);
  await sandbox.define('Disk');
  const worker = await runWorker(t, sandbox);
  t.after(() => redis.stop());
  await until('ready', readyIs(worker, 200));

  await redis.kill();
  await until('not ready', readyIs(worker, 503));
  assert.equal(await statusOf(worker, '/healthz'), 200);
  assert.ok(Number.isNaN(await worker.metric('openfero_queue_remediations{state="waiting"}')));

  await redis.restart();
  await until('ready', readyIs(worker, 200));
  const given = remediation('Disk');
  await sandbox.add(given);
  assert.equal((await worker.end(given.id))['outcome'], 'created');
});
