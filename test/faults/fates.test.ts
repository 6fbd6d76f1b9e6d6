import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeEntry } from '@openfero/core/history/encode';
import { NEVER } from '@openfero/core/instant';
import { END_JOB, endJobArguments } from '@openfero/core/redis/fates';
import {
  DEFAULT_HISTORY_COUNT,
  historyFullCommand,
  historyKey,
} from '@openfero/core/redis/history';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { Redis } from 'ioredis';
import { miscounted, readFates, untold } from './fates.ts';

let server: TestRedis;
let redis: Redis;
before(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
after(async () => {
  redis.disconnect();
  await server.stop();
});

const HISTORY = historyKey(DEFAULT_PREFIX);

const jobs = ['first', 'second', 'third', 'fourth'].map((name) => ({
  ...{ name, uid: `uid of ${name}`, operarius: 'openfero-disk-firing', hasEnded: true },
}));
type Job = (typeof jobs)[number];

/** As a worker does. */
async function tell({ name: job, uid, operarius }: Job): Promise<void> {
  const fate = 'succeeded';
  const entry = encodeEntry({
    ...{ kind: 'fate', fate, job, uid, reason: '', createdAt: 1, endedAt: 2, operarius },
    ...{ id: job, alertname: 'Disk', status: 'firing', fingerprint: 'f', startsAt: NEVER },
  });
  const end = { uid, job, operarius, isKnown: true, fate, entry };
  const { keys, args } = endJobArguments(DEFAULT_PREFIX, end, DEFAULT_HISTORY_COUNT);
  await redis.eval(END_JOB, keys.length, ...keys, ...args);
  // In a millisecond of its own: what is recorded in that of the first entry may be trimmed too.
  for (const since = Date.now(); Date.now() === since; ) await redis.ping();
}

async function lost(): Promise<string[]> {
  return untold(jobs, await readFates(redis, jobs, 0));
}

test('only a Job whose end was recorded before the history was trimmed may be missing from it', async () => {
  const [first, second, third, fourth] = jobs;
  assert.ok(first && second && third && fourth);
  for (const job of [first, second, third]) await tell(job);
  assert.deepEqual(await lost(), ['nobody told the end of Job fourth']);
  await tell(fourth);
  assert.deepEqual(await lost(), []);

  await redis.xtrim(HISTORY, 'MAXLEN', 3);
  assert.deepEqual(await lost(), []);
  assert.deepEqual(miscounted(jobs, await readFates(redis, jobs, 0)), []);

  // In the middle of what is there: no trim does that.
  const [, entry] = await redis.xrange(HISTORY, '-', '+');
  assert.ok(entry);
  await redis.xdel(HISTORY, entry[0]);
  assert.deepEqual(await lost(), ['the end of Job third is not in the history']);
  await redis.xtrim(HISTORY, 'MAXLEN', 0);
  assert.deepEqual(await lost(), [], 'everything was trimmed');
});

test('an end that was recorded while Redis was nearly full is not in the history, but an untold one still shows', async () => {
  await redis.flushall();
  const [first, second, third, fourth] = jobs;
  assert.ok(first && second && third && fourth);
  await tell(first);
  const [name, ...args] = historyFullCommand(DEFAULT_PREFIX, 90, 100);
  await redis.call(name, args);
  for (const job of [second, third]) await tell(job);
  assert.deepEqual(await lost(), ['nobody told the end of Job fourth']);
  await tell(fourth);
  assert.deepEqual(await lost(), []);
});
