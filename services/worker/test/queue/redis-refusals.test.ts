import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  REFUSALS,
  type Refusal,
  type RefusingRedis,
  startRefusing,
  UNPROBED,
} from '@openfero/testkit/redis-refusals';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { createSandbox, runWorker, type Sandbox, type TestWorker } from '../worker.ts';

/** How long Redis refuses, once the worker has said so. */
const SECONDS = 2;

/** Milliseconds. */
const IN_HAND = 1000;

/** A worker may write so many lines in a minute. */
const LINES = 40;

/** Without a pause there are thousands. */
const CALLS_PER_SECOND = 40;

interface Setup {
  readonly redis: RefusingRedis;
  readonly sandbox: Sandbox;
}

async function setUp(t: TestContext, refusal: Refusal): Promise<Setup> {
  const redis = await startRefusing(refusal);
  const sandbox = await createSandbox(t, redis.ownUrl);
  t.after(() => redis.stop());
  await sandbox.define('Disk');
  return { redis, sandbox };
}

async function readyz({ url }: TestWorker): Promise<{ ready: boolean; reason: string }> {
  const response = await fetch(`${url}/readyz`);
  return { ready: response.ok, reason: await response.text() };
}

const isReady = (worker: TestWorker) => async (): Promise<boolean> => (await readyz(worker)).ready;

/** Watches a worker whose Redis refuses, and has it mended. */
async function assertCalm(worker: TestWorker, { says }: Refusal, redis: RefusingRedis) {
  await worker.line(({ msg }) => says.test(msg));
  // What is in hand ends first, some commands each.
  await delay(IN_HAND);
  const callsBefore = await redis.calls();
  const linesBefore = worker.lines.length;
  await delay(SECONDS * 1000);
  assert.match((await readyz(worker)).reason, says);
  assert.equal((await fetch(`${worker.url}/healthz`)).status, 200, 'a restart would not help');
  const calls = (await redis.calls()) - callsBefore;
  assert.ok(calls < CALLS_PER_SECOND * SECONDS, `${calls} commands`);
  const lines = worker.lines.length - linesBefore;
  assert.ok(lines < LINES / 10, JSON.stringify(worker.lines, null, 1));
}

async function assertGoesOn(worker: TestWorker, id: string): Promise<void> {
  const since = performance.now();
  assert.equal((await worker.end(id))['outcome'], 'created');
  const took = performance.now() - since;
  assert.ok(took < 5000, `${took} ms`);
}

describe('a worker whose Redis refuses from the start is calm, not ready, and goes on once it is mended', {
  concurrency: 3,
}, () => {
  for (const refusal of REFUSALS) {
    test(refusal.name, async (t) => {
      const { redis, sandbox } = await setUp(t, refusal);
      const id = await sandbox.add(remediation('Disk'));
      await redis.refuse();
      const worker = await runWorker(t, sandbox, { REDIS_URL: redis.url });
      await assertCalm(worker, refusal, redis);
      await redis.mend();
      await assertGoesOn(worker, id);
      if (refusal.name !== UNPROBED) await until('ready', isReady(worker));
    });
  }
});

const NO_LIMITS = { OPENFERO_MAX_ACTIVE_JOBS: '0', OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '0' };
const COUNT = 200;

describe('so is one whose Redis begins to refuse while it works: nothing is lost or done twice', {
  concurrency: 3,
}, () => {
  for (const refusal of REFUSALS.filter(({ name }) => /READONLY|NOREPLICAS|OOM/.test(name))) {
    test(refusal.name, async (t) => {
      const { redis, sandbox } = await setUp(t, refusal);
      const worker = await runWorker(t, sandbox, NO_LIMITS);
      await until('ready', isReady(worker));
      const labels = Array.from({ length: COUNT }, (_, i) => ({ instance: `${i}` }));
      const ids = await Promise.all(
        labels.map((each) => sandbox.add(remediation('Disk', { labels: each }))),
      );
      await worker.line((line) => line['outcome'] === 'created');
      await redis.refuse();
      await assertCalm(worker, refusal, redis);
      await redis.mend();
      const done = async () => (await sandbox.queue.getCompletedCount()) === COUNT;
      await until('all ended', done, 30_000);
      const endsOf = () => worker.lines.filter((line) => line['outcome'] !== undefined);
      await until('all are logged', () => endsOf().length >= COUNT);
      const ends = endsOf();
      assert.deepEqual(ends.map((line) => line['remediation']).sort(), ids.toSorted());
      assert.equal((await sandbox.jobs()).length, COUNT);
      const others = worker.lines.length - ends.length;
      assert.ok(others < LINES, JSON.stringify(worker.lines.slice(-LINES), null, 1));
    });
  }
});
