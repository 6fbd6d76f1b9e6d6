import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { encodeEntry } from '@openfero/core/history/encode';
import {
  APPEND,
  appendArguments,
  historyFullKey,
  historyKey,
  SKIPPED_FIELD,
  totalsKey,
} from '@openfero/core/redis/history';
import { script } from '@openfero/service/script';
import { historyOf } from '@openfero/testkit/history';
import { startRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { createSandbox, runWorker } from '../worker.ts';

/** The long run has 300,000 entries, of which the default keeps 200,000. */
const WRITTEN = Number(process.env['OPENFERO_HISTORY_ENTRIES'] ?? 9_000);
const KEPT = (WRITTEN * 2) / 3;
const BATCH = 500;
/** Entries of one node of a stream, by default. */
const NODE = 100;

async function connect(t: TestContext): Promise<Redis> {
  const server = await startRedis();
  const redis = new Redis(server.url);
  t.after(async () => {
    redis.disconnect();
    await server.stop();
  });
  return redis;
}

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}

test('of the entries two thirds stay, give or take a node of the stream, and memory is level', async (t) => {
  const redis = await connect(t);
  const prefix = '{bounds}';
  const append = script(redis, APPEND);
  const entries = historyOf({ occurrences: BATCH }).map(([, entry]) => encodeEntry(entry));
  const empty = await usedMemory(redis);
  const taken: number[] = [];
  for (let written = 0; written < WRITTEN; written += BATCH) {
    const { keys, args } = appendArguments(prefix, KEPT, entries.slice(0, BATCH));
    assert.equal(await append(keys, args), BATCH);
    const kept = await redis.xlen(historyKey(prefix));
    assert.ok(kept <= KEPT + NODE, `${kept} entries`);
    if (written + BATCH >= KEPT) taken.push((await usedMemory(redis)) - empty);
  }
  const kept = await redis.xlen(historyKey(prefix));
  assert.ok(kept >= KEPT && kept <= KEPT + NODE, `${kept} entries`);
  const [least, most] = [Math.min(...taken), Math.max(...taken)];
  const megabytes = [least, most].map((bytes) => (bytes / 1e6).toFixed(1)).join(' to ');
  t.diagnostic(`${WRITTEN} written, ${kept} kept in ${megabytes} MB since ${KEPT} were written`);
  // The client's buffers come and go: they are more of a small history.
  assert.ok(most < 1.05 * least + 500_000, megabytes);
});

test('near maxmemory remediations go on: only the history is skipped, and that is counted', async (t) => {
  const server = await startRedis();
  t.after(() => server.stop());
  const sandbox = await createSandbox(t, server.url);
  const { redis, prefix } = sandbox;
  await sandbox.define('Disk');
  // None is held: that would be an entry too.
  const worker = await runWorker(t, sandbox, { OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '0' });
  const first = await sandbox.add(remediation('Disk', { labels: { zone: 'before' } }));
  await worker.end(first);
  const entries = (): Promise<number> => redis.xlen(historyKey(prefix));
  await until('its end is known, and its operarius', async () => (await entries()) === 2);

  // Not sent as a value: buffers count as memory, and are soon gone.
  await redis.setrange('ballast', 20_000_000, 'x');
  await redis.config('SET', 'maxmemory', String(Math.round((await usedMemory(redis)) / 0.73)));
  await until(
    'Redis is nearly full',
    async () => (await redis.exists(historyFullKey(prefix))) === 1,
  );
  const ids = await Promise.all(
    Array.from({ length: 20 }, (_, zone) =>
      sandbox.add(remediation('Disk', { labels: { zone: String(zone) } })),
    ),
  );
  for (const id of ids) assert.equal((await worker.end(id))['outcome'], 'created');
  const skipped = async (): Promise<number> =>
    Number(await redis.hget(totalsKey(prefix), SKIPPED_FIELD));
  await until('all are counted', async () => (await skipped()) === ids.length);
  assert.equal(await worker.metric('openfero_history_skipped_total'), ids.length);
  assert.equal(await entries(), 2);
  assert.equal((await sandbox.jobs()).length, ids.length + 1);

  await redis.config('SET', 'maxmemory', '0');
  await until(
    'there is room again',
    async () => (await redis.exists(historyFullKey(prefix))) === 0,
  );
  await worker.end(await sandbox.add(remediation('Disk', { labels: { zone: 'after' } })));
  await until('its end is known', async () => (await entries()) === 3);
});
