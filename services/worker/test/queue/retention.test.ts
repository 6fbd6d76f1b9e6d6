import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { QUEUE } from '@openfero/core/redis/remediation';
import { definition } from '@openfero/testkit/operarii';
import { startRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { startRetention } from '../../src/queue/retention.ts';
import { createSandbox, runWorker, type Sandbox } from '../worker.ts';

const MiB = 1024 * 1024;
const DAY = 24 * 3600 * 1000;

async function sandboxWith(t: TestContext, ...args: string[]): Promise<Sandbox> {
  const server = await startRedis({ args });
  t.after(() => server.stop());
  return createSandbox(t, server.url);
}

interface Ended {
  readonly state: 'completed' | 'failed';
  readonly count: number;
  /** Milliseconds since 1970 of the last one; each one before ended a millisecond earlier. */
  readonly last: number;
  readonly bytes: number;
}

/** Adds ended remediations as BullMQ keeps them. @returns what their ids begin with, a number follows */
async function addEnded({ redis, prefix }: Sandbox, of: Ended): Promise<string> {
  const begin = `${prefix}:${QUEUE}:`;
  const { state, count, last, bytes } = of;
  const ids = `${state}-${last}-`;
  await redis.eval(
    ADD_ENDED,
    1,
    begin + state,
    begin,
    count,
    last,
    JSON.stringify('x'.repeat(bytes)),
    ids,
  );
  return ids;
}

const ADD_ENDED = `
for i = 1, tonumber(ARGV[2]) do
  local id = ARGV[5] .. i
  redis.call('HSET', ARGV[1] .. id, 'name', 'remediation', 'data', ARGV[4],
    'opts', '{}', 'timestamp', ARGV[3], 'finishedOn', ARGV[3])
  redis.call('ZADD', KEYS[1], ARGV[3] - ARGV[2] + i, id)
end
`;

const usedMemory = async ({ redis }: Sandbox): Promise<number> =>
  Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);

describe('what has ended', () => {
  test('a Redis that is full of it empties itself, and what waits goes on', async (t) => {
    const sandbox = await sandboxWith(t);
    await sandbox.define('Disk');
    const waiting = await sandbox.add(remediation('Disk'));
    const last = Date.now();
    await addEnded(sandbox, { state: 'completed', count: 3000, last, bytes: 4000 });
    const ids = await addEnded(sandbox, { state: 'failed', count: 3000, last, bytes: 4000 });
    await sandbox.redis.config('SET', 'maxmemory', 8 * MiB);
    await assert.rejects(sandbox.redis.set('any', 'thing'), /OOM/);

    const worker = await runWorker(t, sandbox);
    assert.equal((await worker.end(waiting))['outcome'], 'created');
    // An eighth of 8 MiB each, and each counts for 5,602 bytes. The youngest are left.
    await until('all was looked at', async () => (await sandbox.queue.getFailedCount()) < 300);
    assert.equal(await sandbox.queue.getFailedCount(), 187);
    for (const [number, exists] of [
      [3000, true],
      [2814, true],
      [2813, false],
    ] as const) {
      assert.equal((await sandbox.queue.getJob(`${ids}${number}`)) !== undefined, exists);
    }
    assert.ok((await usedMemory(sandbox)) < 6 * MiB, 'the receiver accepts alerts again');
  });

  test('stays, although it ends while a worker looks', async (t) => {
    // More than half full, so that each look is one at all that has ended.
    const sandbox = await sandboxWith(t, '--maxmemory', '32mb');
    await sandbox.redis.setrange('other', String(17 * MiB), 'x');
    const { queue, prefix } = sandbox;
    const redis = new Redis(String(sandbox.env['REDIS_URL']));
    redis.on('error', () => {});
    const watch = { note: () => false };
    const stop = startRetention({ redis, queue, prefix, watch }, pino({ level: 'silent' }));
    const looks = setInterval(() => redis.emit('ready'), 1);
    t.after(() => {
      clearInterval(looks);
      stop();
      redis.disconnect();
    });
    for (let i = 0; i < 300; i++) {
      await sandbox.add(remediation('None', { labels: { i: `${i}` } }));
    }
    await runWorker(t, sandbox);
    await until('all have ended', async () => (await queue.getWaitingCount()) === 0);
    await until('none is in hand', async () => (await queue.getActiveCount()) === 0);
    assert.equal(await queue.getCompletedCount(), 300);
  });

  test('stays for a day, and for a week where it failed, by the clock of Redis', async (t) => {
    const sandbox = await sandboxWith(t);
    const old = Date.now() - 2 * DAY;
    for (const state of ['completed', 'failed'] as const) {
      await addEnded(sandbox, { state, count: 600, last: old, bytes: 10 });
      await addEnded(sandbox, { state, count: 1, last: old - 6 * DAY, bytes: 10 });
    }
    const worker = await runWorker(t, sandbox);
    const { removed } = await worker.line(({ msg }) => msg.startsWith('removed ended'));
    assert.equal(removed, 602);
    assert.equal(await sandbox.queue.getCompletedCount(), 0);
    assert.equal(await sandbox.queue.getFailedCount(), 600);
    const keys = await sandbox.redis.keys(`${sandbox.prefix}:${QUEUE}:completed*`);
    assert.deepEqual(keys, []);
  });
});

test('a dry run keeps a small manifest, and says of a large one that it is not kept', async (t) => {
  const sandbox = await sandboxWith(t);
  await sandbox.define('Disk', definition('Disk', { policy: { mode: 'dry-run' } }));
  const worker = await runWorker(t, sandbox);
  const small = await sandbox.add(remediation('Disk'));
  const annotations = { description: 'x'.repeat(9000) };
  const large = await sandbox.add(
    remediation('Disk', { alert: { annotations }, labels: { a: '1' } }),
  );
  const results = [];
  for (const id of [small, large]) {
    assert.equal((await worker.end(id))['outcome'], 'dry-run');
    results.push((await sandbox.queue.getJob(id))?.returnvalue);
  }
  assert.equal(results[0].manifest.kind, 'Job');
  assert.match(results[1].manifest, /^not kept: it has \d+ characters of JSON/);
});

test('BullMQ’s stream of events stays short', async (t) => {
  const sandbox = await sandboxWith(t);
  const worker = await runWorker(t, sandbox);
  const ids = [];
  for (let i = 0; i < 200; i++) {
    ids.push(await sandbox.add(remediation('None', { labels: { i: `${i}` } })));
  }
  for (const id of ids) await worker.end(id);
  const events = await sandbox.redis.xlen(`${sandbox.prefix}:${QUEUE}:events`);
  assert.ok(events <= 200, `${events} events`);
});
