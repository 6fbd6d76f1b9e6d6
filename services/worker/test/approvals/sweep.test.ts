import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { EndedJob } from '@openfero/cluster/cluster';
import { askedKey, type Question } from '@openfero/core/redis/approvals';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { createSweep } from '../../src/approvals/sweep.ts';
import { createEpisodeMemory } from '../../src/redis/memory.ts';
import { readSettings } from '../../src/settings.ts';
import { IDLE_JOBS } from '../idle-cluster.ts';
import { createSandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const ASKED: Omit<Question, 'at' | 'until'> = {
  ...{ uid: 'u', job: 'disk', operarius: 'openfero-disk-firing', alertname: 'Disk' },
  ...{ fingerprint: 'f', startsAt: '2026-11-22T04:34:40Z', remediation: 'r', labels: {} },
  ...{ checked: [], manifest: '' },
};

/**
 * A question of 10 s ago whose Job is in no watch of this worker.
 *
 * @param age of its watch, in milliseconds
 * @returns the ends that two looks tell
 */
async function swept(t: TestContext, age: number): Promise<readonly EndedJob[]> {
  const { redis, prefix, env } = await createSandbox(t, server.url);
  const [at, until] = [Date.now() - 10_000, Date.now() + 60_000];
  await redis.hset(askedKey(prefix), ASKED.uid, JSON.stringify({ ...ASKED, at, until }));
  const told: EndedJob[] = [];
  const jobs = { ...IDLE_JOBS, unfinished: () => ({ age, jobs: [] }) };
  const memory = createEpisodeMemory(redis, prefix);
  const sweep = createSweep(
    { cluster: { jobs }, redis, memory, settings: readSettings(env) },
    async (job) => void told.push(job),
  );
  for (const _ of ['first', 'again']) await sweep();
  return told;
}

describe('a question whose Job a worker does not find', () => {
  test('is over: the Job has gone while no worker saw it', async (t) => {
    assert.deepEqual(
      (await swept(t, 0)).map(({ end }) => end?.fate),
      ['deleted'],
    );
  });

  test('stands, where its watch is older than the question: another worker has seen the Job', async (t) => {
    assert.deepEqual(await swept(t, 40_000), []);
  });
});
