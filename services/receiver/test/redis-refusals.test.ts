import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type Service, serverOf, startService } from '@openfero/testkit/process';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { REFUSALS, startRefusing } from '@openfero/testkit/redis-refusals';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { alert, notification } from './receiver.ts';

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function post(receiver: Service): Promise<Answer> {
  const response = await fetch(`${await receiver.url()}/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    // Two, so that they are added in a transaction.
    body: JSON.stringify(notification(alert('A'), alert('B'))),
  });
  return { status: response.status, text: await response.text() };
}

async function readyz(receiver: Service): Promise<Answer> {
  const response = await fetch(`${await receiver.url()}/readyz`);
  return { status: response.status, text: await response.text() };
}

async function start(t: TestContext, env: Record<string, string>): Promise<Service> {
  const service = await startService(serverOf('receiver'), {
    ...{ HOST: '127.0.0.1', PORT: '0' },
    ...env,
  });
  t.after(() => service.stop());
  await service.url();
  return service;
}

/** Of a handshake, of a user, of a write. The worker's test has all. */
const OF_RECEIVER = REFUSALS.filter(({ name }) => /WRONGPASS|every key|READONLY/.test(name));

describe('a receiver whose Redis refuses says why in /readyz, in the 503 and once in its log', {
  concurrency: 3,
}, () => {
  for (const refusal of OF_RECEIVER) {
    test(refusal.name, async (t) => {
      const redis = await startRefusing(refusal);
      t.after(() => redis.stop());
      await redis.refuse();
      const receiver = await start(t, { REDIS_URL: redis.url });
      await receiver.waitForLine(({ msg }) => refusal.says.test(msg));

      assert.match((await readyz(receiver)).text, refusal.says);
      const refused = await post(receiver);
      assert.equal(refused.status, 503);
      assert.match(refused.text, refusal.says);
      const told = receiver.lines.filter(({ msg }) => refusal.says.test(msg));
      assert.equal(told.length, 1, JSON.stringify(receiver.lines, null, 1));

      await redis.mend();
      await receiver.ready(5000);
      const stored = await post(receiver);
      assert.equal(stored.status, 200, stored.text);
    });
  }
});

describe('a database that the server refuses never ends in another one', () => {
  const CASES = [
    { name: '99 of 16', args: [] },
    { name: '99 of 1', args: ['--databases', '1'] },
  ];
  for (const { name, args } of CASES) {
    test(name, async (t) => {
      const redis = await startRedis({ args });
      t.after(() => redis.stop());
      const receiver = await start(t, { REDIS_URL: `${redis.url}/99` });
      const { msg } = await receiver.waitForLine((line) => line.level === 'warn');
      assert.match(msg, /refuses database 99, which REDIS_URL names \(ERR DB index/);
      for (let attempt = 0; attempt < 5; attempt++) {
        const answer = await post(receiver);
        assert.equal(answer.status, 503);
        assert.match(answer.text, /database 99, which REDIS_URL names/);
      }
      const own = new Redis(redis.url);
      t.after(() => own.disconnect());
      assert.equal(await own.dbsize(), 0, 'nothing is in database 0');
    });
  }
});

describe('TLS that cannot be trusted is named with the setting to look at', () => {
  const says = async (t: TestContext, env: Record<string, string>, words: RegExp) => {
    const receiver = await start(t, env);
    await receiver.waitForLine(({ msg }) => words.test(msg));
    assert.match((await readyz(receiver)).text, words);
    return receiver;
  };
  const startTls = async (t: TestContext, args: readonly string[] = []): Promise<TestRedis> => {
    const redis = await startRedis({ tls: true, args });
    t.after(() => redis.stop());
    return redis;
  };

  test('a CA that is not known, and the receiver works once the certificate is from a known one', async (t) => {
    const [redis, other] = [await startTls(t), await startTls(t)];
    await says(t, { REDIS_URL: redis.url }, /REDIS_CA_FILE/);
    const ca = join(other.dir, 'ca.crt');
    const receiver = await says(t, { REDIS_URL: redis.url, REDIS_CA_FILE: ca }, /REDIS_CA_FILE/);

    const own = new Redis(redis.url, { tls: { rejectUnauthorized: false } });
    t.after(() => own.disconnect());
    await own.config(
      'SET',
      ...['tls-cert-file', join(other.dir, 'redis.crt')],
      ...['tls-key-file', join(other.dir, 'redis.key')],
    );
    await receiver.ready(5000);
    assert.equal((await post(receiver)).status, 200);
  });

  test('a host that the certificate does not name', {
    skip: process.platform !== 'linux' && 'needs a second loopback address',
  }, async (t) => {
    const redis = await startTls(t, ['--bind', '127.0.0.1', '127.0.0.2']);
    const url = redis.url.replace('127.0.0.1', '127.0.0.2');
    const env = { REDIS_URL: url, REDIS_CA_FILE: join(redis.dir, 'ca.crt') };
    await says(t, env, /another host \(.*REDIS_URL/);
  });

  test('a server without TLS, and one with TLS that is spoken to without', async (t) => {
    const plain = await startRedis();
    t.after(() => plain.stop());
    await says(t, { REDIS_URL: plain.url.replace('redis:', 'rediss:') }, /REDIS_URL/);
    const tls = await startTls(t);
    await says(t, { REDIS_URL: tls.url.replace('rediss:', 'redis:') }, /REDIS_URL/);
  });
});

const DURABLE = /^openfero_redis_durable (\d)$/m;

async function durable(receiver: Service): Promise<string | undefined> {
  const response = await fetch(`${await receiver.url()}/metrics`);
  return DURABLE.exec(await response.text())?.[1];
}

describe('a Redis that can lose what it acknowledged is warned of at each connection', {
  concurrency: 3,
}, () => {
  for (const [args, words] of [
    [['--appendonly', 'no'], /\(appendonly is no\): set appendonly yes/],
    [['--appendfsync', 'everysec'], /\(appendfsync is everysec\)/],
    [['--maxmemory-policy', 'allkeys-lru'], /\(maxmemory-policy is allkeys-lru\)/],
    [['--no-appendfsync-on-rewrite', 'yes'], /\(no-appendfsync-on-rewrite is yes\)/],
  ] as const) {
    test(args.join(' '), async (t) => {
      const redis = await startRedis({ args });
      t.after(() => redis.stop());
      const receiver = await start(t, { REDIS_URL: redis.url });
      await receiver.waitForLine(({ msg }) => words.test(msg));
      assert.equal(await durable(receiver), '0');
      await redis.restart();
      let found = 0;
      await receiver.waitForLine(({ msg }) => words.test(msg) && ++found === 2);
    });
  }

  test('one that loses nothing is not', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const receiver = await start(t, { REDIS_URL: redis.url });
    await receiver.waitForLine(({ msg }) => msg === 'connected to Redis');
    assert.equal(await durable(receiver), '1');
    assert.equal((await post(receiver)).status, 200);
    assert.deepEqual(
      receiver.lines.filter(({ level }) => level === 'warn'),
      [],
    );
  });

  for (const [rights, words] of [
    [['+@all', '-config'], /cannot check .*\(CONFIG GET is refused: NOPERM/],
    [['+@all', '-@dangerous'], /cannot check .*\(INFO is refused: NOPERM/],
  ] as const) {
    test(`a user with ${rights.join(' ')} may not ask: unknown`, async (t) => {
      const redis = await startRedis();
      t.after(() => redis.stop());
      const own = new Redis(redis.url);
      t.after(() => own.disconnect());
      await own.acl('SETUSER', 'of', 'on', '>pw', '~*', ...rights);
      const receiver = await start(t, { REDIS_URL: redis.url.replace('//', '//of:pw@') });
      await receiver.waitForLine(({ msg }) => words.test(msg));
      assert.equal(await durable(receiver), undefined);
      assert.equal((await post(receiver)).status, 200);
    });
  }

  test('it is known again without a connection once it is mended', async (t) => {
    const redis = await startRedis({ args: ['--appendfsync', 'everysec'] });
    t.after(() => redis.stop());
    const receiver = await start(t, { REDIS_URL: redis.url });
    await receiver.ready();
    const own = new Redis(redis.url);
    t.after(() => own.disconnect());
    await own.config('SET', 'appendfsync', 'always');
    await until('durable', async () => (await durable(receiver)) === '1');
  });
});
