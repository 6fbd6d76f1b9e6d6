import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, suite, type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { encodeEntry } from '@openfero/core/history/encode';
import type { Entry } from '@openfero/core/history/entry';
import { Fold } from '@openfero/core/history/fold';
import { keyOf } from '@openfero/core/history/row';
import { DEFAULT_HISTORY_COUNT, historyKey } from '@openfero/core/redis/history';
import { createLogger } from '@openfero/service/log';
import { connectRedis } from '@openfero/service/redis';
import { deployedMemory } from '@openfero/testkit/deployed';
import { historyOf, type Recorded } from '@openfero/testkit/history';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { followHistory, type History, type HistoryChange } from '../../src/history/history.ts';
import { historyLimit } from '../../src/limits.ts';

interface Given {
  readonly redis: Redis;
  readonly key: string;
  write(...entries: readonly Recorded[]): Promise<void>;
  /** Follows the history until the test ends. */
  follow(limit?: number): { history: History; changes: readonly HistoryChange[] };
}

const at = (port: number): Parameters<typeof connectRedis>[0] => ({
  topology: { kind: 'server', endpoint: { host: '127.0.0.1', port }, database: 0 },
});

let prefixes = 0;

function given(t: TestContext, server: TestRedis): Given {
  const prefix = `{dashboard-${++prefixes}}`;
  const redis = new Redis(server.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  t.after(() => redis.disconnect());
  const key = historyKey(prefix);
  const log = createLogger('silent', 'test');
  return {
    redis,
    key,
    async write(...entries) {
      const adding = redis.pipeline();
      for (const [id, entry] of entries) adding.xadd(key, id, 'v', '1', 'e', encodeEntry(entry));
      await adding.exec();
    },
    follow(limit) {
      const own = connectRedis(at(server.port), { kind: 'consumer', name: 'history' });
      const options = { redis: own, prefix, log };
      const history = followHistory(limit === undefined ? options : { ...options, limit });
      const changes: HistoryChange[] = [];
      history.subscribe((change) => changes.push(change));
      t.after(() => history.stop());
      return { history, changes };
    },
  };
}

/** What a history shows once it has read these. */
function rowsOf(entries: readonly Recorded[]): unknown {
  const fold = new Fold();
  for (const [id, entry] of entries) fold.add(id, entry);
  fold.settle();
  return [...fold.rows()];
}

const shown = (history: History): unknown => [...history.fold.rows()];
const isReady = (history: History): boolean => history.problem() === undefined;

const SOME = historyOf({ occurrences: 1_500 });
const [BEFORE, LATER] = [SOME.slice(0, 3_000), SOME.slice(3_000)];

suite('the history in memory', { concurrency: false }, () => {
  let server: TestRedis;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  test('is ready once all of the stream is read, and shows what is in it', async (t) => {
    const { write, follow } = given(t, server);
    await write(...BEFORE);
    const { history, changes } = follow();
    assert.match(history.problem() ?? '', /being read/);
    await until('read', () => isReady(history));
    assert.deepEqual(shown(history), rowsOf(BEFORE));
    assert.deepEqual(changes, [], 'what was there is no change');
  });

  test('is ready at once where there is no history yet', async (t) => {
    const { follow } = given(t, server);
    const { history } = follow();
    const since = performance.now();
    await until('read', () => isReady(history));
    assert.ok(performance.now() - since < 900);
    assert.equal(history.fold.size, 0);
  });

  test('follows the stream, and tells which rows are new or changed', async (t) => {
    const { write, follow } = given(t, server);
    await write(...BEFORE);
    const { history, changes } = follow();
    await until('read', () => isReady(history));
    for (const entry of LATER) await write(entry);
    await until('all read', () => isDeepStrictEqual(shown(history), rowsOf(SOME)));
    const told = changes.flatMap((change) => (change.kind === 'rows' ? change.rows : []));
    assert.ok(told.length >= LATER.length / 2, String(told.length));
    for (const row of new Map(told.map((row) => [keyOf({ ...row, id: '' }), row])).values()) {
      assert.deepEqual(history.fold.row(keyOf({ ...row, id: '' })), row);
    }
  });

  test('skips and counts what is none of ours', async (t) => {
    const { redis, key, write, follow } = given(t, server);
    const [first, second] = SOME;
    if (first === undefined || second === undefined) return assert.fail();
    await write(first);
    await redis.xadd(key, '*', 'v', '2', 'e', '{}');
    await redis.xadd(key, '*', 'v', '1', 'e', '{"kind":"end"}');
    await redis.xadd(key, '*', 'x', 'y');
    const { history } = follow();
    await until('read', () => isReady(history));
    assert.equal(history.skipped, 3);
    assert.deepEqual(shown(history), rowsOf([first]));
  });

  test('says why it cannot be read', async (t) => {
    const { redis, key, follow } = given(t, server);
    await redis.set(key, 'not a stream');
    const { history } = follow();
    await until('refused', () => /cannot be read: .*WRONGTYPE/.test(history.problem() ?? ''));
    await redis.del(key);
    await until('read', () => isReady(history));
  });

  test('is empty within 2 seconds of a FLUSHALL, and fills again', async (t) => {
    const { redis, write, follow } = given(t, server);
    await write(...BEFORE);
    const { history, changes } = follow();
    await until('read', () => isReady(history));
    await redis.flushall();
    await until('empty', () => history.fold.size === 0, 2_000);
    assert.deepEqual(changes, [{ kind: 'reset' }]);
    await write(...BEFORE.slice(0, 500));
    await until('filled', () => isDeepStrictEqual(shown(history), rowsOf(BEFORE.slice(0, 500))));
  });

  test('forgets what is gone also where new entries follow a FLUSHALL at once', async (t) => {
    const { redis, key, write, follow } = given(t, server);
    await write(...BEFORE);
    const { history, changes } = follow();
    await until('read', () => isReady(history));
    // Compared once with the stream as it was.
    await until('compared', async () => (await commandsOf(redis, 'xinfo|stream')) >= 2);
    await redis
      .multi()
      .flushall()
      .xadd(key, LATER[0]?.[0] ?? '', 'v', '1', 'e', encodeEntry(entryOf(LATER[0])))
      .exec();
    await until(
      'forgotten',
      () => isDeepStrictEqual(shown(history), rowsOf(LATER.slice(0, 1))),
      3_000,
    );
    assert.ok(changes.some(({ kind }) => kind === 'reset'));
  });

  test('starts over where the stream ends before what it has read', async (t) => {
    const { redis, key, write, follow } = given(t, server);
    await write(...SOME);
    const { history, changes } = follow();
    await until('read', () => isReady(history));
    // A backup of yesterday.
    await redis.del(key);
    await write(...BEFORE);
    await until('read again', () => isDeepStrictEqual(shown(history), rowsOf(BEFORE)));
    assert.equal(changes.at(-1)?.kind, 'reset');
  });

  test('shows what a trimmed stream still holds', async (t) => {
    const { redis, key, write, follow } = given(t, server);
    await write(...BEFORE);
    await redis.xtrim(key, 'MAXLEN', '=', 500);
    const { history } = follow();
    await until('read', () => isReady(history));
    assert.deepEqual(shown(history), rowsOf(BEFORE.slice(-500)));
  });

  test('keeps no more than its limit, give or take a thirtieth, however long the stream is', async (t) => {
    const { write, follow } = given(t, server);
    await write(...SOME);
    const { history } = follow(600);
    await until('read', () => isReady(history));
    const kept = 600 + ((SOME.length - 600) % 20);
    assert.deepEqual(shown(history), rowsOf(SOME.slice(-kept)));
  });
});

test('a small heap holds fewer entries, a large one no more than a stream ever has', () => {
  assert.equal(historyLimit(160_000_000), 70_000);
  assert.equal(historyLimit(4_000_000_000), 300_000);
  assert.equal(historyLimit(10_000_000), 1_000);
});

test('with the memory that it is deployed with, all that workers leave by default fits', () => {
  const { NODE_OPTIONS } = deployedMemory('dashboard').env;
  const asking = ['--print', 'v8.getHeapStatistics().heap_size_limit'];
  const heap = execFileSync(process.execPath, [...NODE_OPTIONS.split(' '), ...asking]);
  // Redis trims whole nodes, of 100 entries by default.
  assert.ok(historyLimit(Number(heap)) > DEFAULT_HISTORY_COUNT + 100, `${heap} bytes`);
});

suite('a Redis that goes away', { concurrency: false }, () => {
  test('is waited for, at the start and later; a restart is read again', async (t) => {
    const server = await startRedis();
    t.after(() => server.stop());
    const { redis, write, follow } = given(t, server);
    await write(...BEFORE);
    await server.kill();
    const { history } = follow();
    await server.restart();
    await until('read', () => isReady(history));
    assert.deepEqual(shown(history), rowsOf(BEFORE));

    await server.restart();
    await until('reconnected', () => redis.status === 'ready');
    await write(...LATER);
    await until('all read', () => isDeepStrictEqual(shown(history), rowsOf(SOME)));
  });

  test('may come back without its last entries, and with others', async (t) => {
    const server = await startRedis();
    t.after(() => server.stop());
    const { redis, key, write, follow } = given(t, server);
    await write(...BEFORE);
    const { history } = follow();
    await until('read', () => isReady(history));
    const lost = LATER.slice(0, 10);
    await write(...lost);
    await until('all read', () => isDeepStrictEqual(shown(history), rowsOf(SOME.slice(0, 3_010))));
    // A server that is restarted without what it had not written to its disk.
    await redis.xdel(key, ...lost.map(([id]) => id));
    await server.restart();
    await until('reconnected', () => redis.status === 'ready');
    await write(...LATER.slice(10));
    const left = [...BEFORE, ...LATER.slice(10)];
    await until('read again', () => isDeepStrictEqual(shown(history), rowsOf(left)));
  });

  test('is read again after each lost connection where the user may not see which server it is', async (t) => {
    const server = await startRedis();
    t.after(() => server.stop());
    const { redis, write, follow } = given(t, server);
    await redis.acl('SETUSER', 'default', '-info');
    await write(...BEFORE);
    const { history, changes } = follow();
    await until('read', () => isReady(history));
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until('read again', () => changes.some(({ kind }) => kind === 'reset'));
    assert.deepEqual(shown(history), rowsOf(BEFORE));
  });

  test('does not keep the process from ending', async (t) => {
    const server = await startRedis();
    t.after(() => server.stop());
    const { follow } = given(t, server);
    const paused = follow().history;
    await until('read', () => isReady(paused));
    server.pause();
    t.after(() => server.resume());
    paused.stop();
    // Nothing listens there.
    const log = createLogger('silent', 'test');
    const redis = connectRedis(at(1), { kind: 'consumer', name: 'history' });
    const absent = followHistory({ redis, prefix: 'absent', log });
    await new Promise((resolve) => redis.once('reconnecting', resolve));
    absent.stop();
  });
});

/** How often the server has run a command. */
async function commandsOf(redis: Redis, name: string): Promise<number> {
  const info = await redis.info('commandstats');
  return Number(
    new RegExp(`cmdstat_${name.replace('|', '\\|')}:calls=(\\d+)`).exec(info)?.[1] ?? 0,
  );
}

const entryOf = (recorded: Recorded | undefined): Entry => recorded?.[1] ?? assert.fail();
