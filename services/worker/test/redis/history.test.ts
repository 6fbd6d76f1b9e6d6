import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { encodeEntry } from '@openfero/core/history/encode';
import { FATES, type FateEntry } from '@openfero/core/history/entry';
import { parseEntry } from '@openfero/core/history/parse';
import { instantOf } from '@openfero/core/instant';
import {
  END_JOB,
  type EndOfJob,
  endJobArguments,
  FATE_TTL,
  fateKey,
  type JobEndTold,
  readEndJob,
  readFateField,
} from '@openfero/core/redis/fates';
import {
  APPEND,
  appendArguments,
  DEFAULT_HISTORY_AGE,
  DEFAULT_HISTORY_COUNT,
  HISTORY_FULL_INTERVAL,
  historyFullCommand,
  historyFullKey,
  historyKey,
  SKIPPED_FIELD,
  totalsKey,
  trimArguments,
} from '@openfero/core/redis/history';
import { placeOf, placesKey, placesOfKey, waitingOfKey } from '@openfero/core/redis/places';
import { script } from '@openfero/service/script';
import { seeded } from '@openfero/testkit/random';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { Redis } from 'ioredis';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

interface Given {
  readonly redis: Redis;
  readonly prefix: string;
  /** Tells that a Job has ended, as a worker does. */
  tell(end: EndOfJob, by?: Redis): Promise<JobEndTold>;
  append(...entries: readonly string[]): Promise<unknown>;
  totals(): Promise<Record<string, string>>;
}

let prefixes = 0;

function given(t: TestContext, url = server.url, count = DEFAULT_HISTORY_COUNT): Given {
  const prefix = `{history-${++prefixes}}`;
  const redis = client(t, url);
  return {
    redis,
    prefix,
    async tell(end, by = redis) {
      const { keys, args } = endJobArguments(prefix, end, count);
      return readEndJob(await script(by, END_JOB)(keys, args));
    },
    append(...entries) {
      const { keys, args } = appendArguments(prefix, count, entries);
      return script(redis, APPEND)(keys, args);
    },
    totals: () => redis.hgetall(totalsKey(prefix)),
  };
}

function client(t: TestContext, url: string): Redis {
  const redis = new Redis(url);
  t.after(() => redis.disconnect());
  return redis;
}

function endOfJob(number: number): EndOfJob {
  const fate = FATES[number % FATES.length] ?? 'failed';
  const job = `job-${number}`;
  const entry: FateEntry = {
    ...{ kind: 'fate', fate, job, uid: `uid-${number}`, reason: '', createdAt: 1, endedAt: 2 },
    ...{ id: `remediation-${number}`, alertname: 'A', status: 'firing', fingerprint: 'f' },
    ...{ startsAt: instantOf(number), operarius: `op-${number % 5}` },
  };
  const { uid, operarius } = entry;
  return { uid, job, operarius, isKnown: true, fate, entry: encodeEntry(entry) };
}

describe('the end of a Job', () => {
  test('is recorded once, however many workers tell it, in any order', async (t) => {
    const { redis, prefix, tell, totals } = given(t);
    const workers = [1, 2, 3, 4].map(() => client(t, server.url));
    const random = seeded(7);
    const ends = Array.from({ length: 3_000 }, (_, number) => endOfJob(number));
    const twice = ends.filter((_, number) => number % 3 === 0);
    const told = await Promise.all(
      [...ends, ...twice]
        .map((end) => ({ end, at: random.next() }))
        .sort((a, b) => a.at - b.at)
        .map(({ end }) => tell(end, random.pick(workers))),
    );

    assert.equal(told.filter(({ first }) => first).length, 3_000);
    assert.equal(told.filter(({ refused }) => refused !== undefined).length, 0);
    const entries = await redis.xrange(historyKey(prefix), '-', '+');
    const uids = entries.map(([, fields]) => {
      const entry = parseEntry(fields);
      return entry?.kind === 'fate' ? entry.uid : assert.fail('no fate');
    });
    assert.equal(uids.length, 3_000);
    assert.deepEqual(new Set(uids), new Set(ends.map(({ uid }) => uid)));
    const counted = Object.entries(await totals());
    assert.equal(counted.length, 5 * FATES.length, 'of each operarius every fate');
    for (const [field, number] of counted) {
      const { operarius = '', fate = '' } = readFateField(field) ?? {};
      const those = ends.filter((end) => end.operarius === operarius && end.fate === fate);
      assert.equal(Number(number), those.length, field);
    }
    const ttl = await redis.pttl(fateKey(prefix, 'uid-0'));
    assert.ok(ttl > FATE_TTL - 60_000 && ttl <= FATE_TTL, String(ttl));
  });

  test('gives its place back, once, and names who waits for it', async (t) => {
    const { redis, prefix, tell } = given(t);
    const end = endOfJob(0);
    const place = placeOf(end.operarius, end.job);
    for (const key of [placesKey(prefix), placesOfKey(prefix, end.operarius)]) {
      await redis.zadd(key, 1, place);
    }
    await redis.zadd(waitingOfKey(prefix, end.operarius), 1, 'first', 2, 'second');
    assert.deepEqual(await tell(end), { first: true, refused: undefined, next: ['first'], row: 0 });
    assert.deepEqual(await tell(end), { first: false, refused: undefined, next: [], row: 0 });
    assert.equal(await redis.zcard(placesKey(prefix)), 0);
    assert.equal(await redis.zcard(placesOfKey(prefix, end.operarius)), 0);
  });

  test('is counted and not appended while the history is full, and that is counted too', async (t) => {
    const { redis, prefix, tell, append, totals } = given(t);
    const say = async (used: number, max: number): Promise<void> => {
      const [name, ...args] = historyFullCommand(prefix, used, max);
      await redis.call(name, args);
    };
    await say(71, 100);
    const ttl = await redis.pttl(historyFullKey(prefix));
    assert.ok(ttl > 2 * HISTORY_FULL_INTERVAL, 'one look of a worker may fail');
    assert.equal((await tell(endOfJob(0))).first, true);
    assert.equal(await append('{}'), 0);
    assert.equal(await redis.exists(historyKey(prefix)), 0);
    assert.deepEqual(await totals(), { 'op-0/succeeded': '1', [SKIPPED_FIELD]: '2' });
    assert.equal(readFateField(SKIPPED_FIELD), undefined);
    for (const [used, max] of [
      [69, 100],
      [71, 0],
    ] as const) {
      await say(71, 100);
      await say(used, max);
      assert.equal(await append('{}'), 1, `${used} of ${max} bytes`);
    }
  });

  test('gives its place back at maxmemory, and is recorded once Redis has room', async (t) => {
    const full = await startRedis();
    t.after(() => full.stop());
    const { redis, prefix, tell } = given(t, full.url);
    const end = endOfJob(1);
    await redis.zadd(placesKey(prefix), 1, placeOf(end.operarius, end.job));
    await redis.config('SET', 'maxmemory', '1kb');
    const refused = await tell(end);
    assert.equal(refused.first, false);
    assert.match(refused.refused ?? '', /^OOM /);
    assert.equal(await redis.zcard(placesKey(prefix)), 0);
    await redis.config('SET', 'maxmemory', '30mb');
    assert.equal((await tell(end)).first, true);
    assert.equal((await tell(end)).first, false);
  });

  test('is recorded where something else has taken the key of the history', async (t) => {
    const { redis, prefix, tell, totals } = given(t);
    await redis.set(historyKey(prefix), 'not a stream');
    assert.equal((await tell(endOfJob(0))).first, true);
    assert.deepEqual(await totals(), { 'op-0/succeeded': '1', [SKIPPED_FIELD]: '1' });
  });
});

describe('the history', () => {
  test('keeps as many entries as it may have, give or take a node of the stream', async (t) => {
    const { redis, prefix, append } = given(t, server.url, 1_000);
    const entries = Array.from({ length: 500 }, (_, number) => String(number));
    for (let batch = 0; batch < 6; batch++) assert.equal(await append(...entries), 500);
    const kept = await redis.xlen(historyKey(prefix));
    assert.ok(kept >= 1_000 && kept <= 1_100, String(kept));
  });

  test('loses what is too old, also where one call does not remove it all', async (t) => {
    const { redis, prefix } = given(t);
    const key = historyKey(prefix);
    const adding = redis.pipeline();
    for (let number = 1; number <= 25_000; number++)
      adding.xadd(key, `${number}-0`, 'v', '1', 'e', '');
    await adding.exec();
    let calls = 0;
    for (let removed = 1; removed > 0; calls++) {
      removed = await redis.xtrim(
        ...trimArguments(prefix, DEFAULT_HISTORY_AGE + 24_000, DEFAULT_HISTORY_AGE),
      );
    }
    assert.ok(calls > 2, `${calls} calls`);
    const kept = await redis.xlen(key);
    assert.ok(kept >= 1_001 && kept <= 1_101, String(kept));
  });
});
