import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { definitionDigest } from '@openfero/core/operarius/definition';
import { effectsKey } from '@openfero/core/redis/effects';
import { stoppedKey } from '@openfero/core/redis/stopped';
import { configMap, definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { LATER, remediation, startsNow } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { createRuns, runOf } from '../runs/runs.ts';
import { createSandbox, runWorker, type Sandbox, type TestWorker } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

interface Running {
  readonly sandbox: Sandbox;
  readonly worker: TestWorker;
  /** Queues it. @returns its outcome */
  outcome(of: Parameters<Sandbox['add']>[0]): Promise<unknown>;
}

async function running(
  t: TestContext,
  policy: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const sandbox = await createSandbox(t, server.url);
  const undo = { status: 'resolved', policy: { 'only-after-firing': 'true' } } as const;
  const act = definition('Disk', { policy: { cooldown: '0', ...policy } });
  await sandbox.define('Disk', `${act}\n---\n${definition('Disk', undo)}`);
  const worker = await runWorker(t, sandbox);
  const outcome: Running['outcome'] = async (of) =>
    (await worker.end(await sandbox.add(of)))['outcome'];
  return { sandbox, worker, outcome };
}

const ofNode = (node: string) => remediation('Disk', { labels: { node } });

describe('after a loss of all Redis data', () => {
  test('an episode whose Job exists gets no second one, and one whose Job is gone gets one more', async (t) => {
    const { sandbox, outcome } = await running(t);
    for (const node of ['kept', 'gone']) assert.equal(await outcome(ofNode(node)), 'created');
    const [first = '', second = ''] = await sandbox.jobs();
    const isGone = (await sandbox.readJob(first)).includes('gone') ? first : second;
    await rm(join(sandbox.jobsDir, `${isGone}.yaml`));
    await sandbox.redis.flushall();
    for (const node of ['kept', 'gone', 'gone']) await outcome(ofNode(node));
    assert.deepEqual(await sandbox.jobs(), [first, second]);
  });

  test('what waited is lost, and max-repeats and max-runs count anew', async (t) => {
    for (const [policy, what] of [
      [{ 'max-repeats': '1/1h' }, 'stopped'],
      [{ 'max-runs': '1/1h' }, 'held'],
    ] as const) {
      const { sandbox, worker, outcome } = await running(t, policy);
      assert.equal(await outcome(remediation('Disk', startsNow())), 'created');
      if (what === 'stopped') {
        assert.equal(await outcome(remediation('Disk', startsNow())), what);
      } else {
        const id = await sandbox.add(remediation('Disk', startsNow()));
        await until('it is held', async () => (await sandbox.queue.getDelayedCount()) === 1);
        await sandbox.redis.flushall();
        assert.equal(await sandbox.queue.getJob(id), undefined);
      }
      await sandbox.redis.flushall();
      assert.equal(await outcome(remediation('Disk', startsNow())), 'created', what);
      await worker.stop();
    }
  });

  test('a stopped operarius runs again', async (t) => {
    const { sandbox, outcome } = await running(t);
    const { redis, prefix } = sandbox;
    const disk = definitionDigest(configMap('Disk', { policy: { cooldown: '0' } }));
    const state = { definition: disk, until: 0, row: 5, at: Date.now() };
    await redis.hset(stoppedKey(prefix), 'openfero-disk-firing', JSON.stringify(state));
    assert.equal(await outcome(ofNode('a')), 'stopped');
    await redis.flushall();
    assert.equal(await outcome(ofNode('a')), 'created');
  });

  test('an effect that was due is not judged', async (t) => {
    const { sandbox, end } = await createRuns(t, server.url);
    const { redis, prefix } = sandbox;
    await end(runOf(Date.now(), { verdict: 'pending' }));
    assert.equal(await redis.zcard(effectsKey(prefix)), 1);
    await redis.flushall();
    assert.equal(await redis.zcard(effectsKey(prefix)), 0);
  });

  test('only-after-firing knows of no earlier Job', async (t) => {
    const { sandbox, outcome } = await running(t);
    const firing = ofNode('a');
    assert.equal(await outcome(firing), 'created');
    await sandbox.redis.flushall();
    const alert = { ...firing.alert, status: 'resolved', endsAt: LATER } as const;
    assert.equal(await outcome({ ...ofNode('a'), alert }), 'not-matched');
  });
});
