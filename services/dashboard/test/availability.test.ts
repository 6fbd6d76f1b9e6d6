import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { Redis } from 'ioredis';
import { startDashboard } from './dashboard.ts';
import { testQueue } from './remediations.ts';

const LIST = '/queue/api/queues?activeQueue=remediations';
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' };

suite('while Redis is away', { concurrency: false }, () => {
  let redis: TestRedis;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());

  test('the dashboard starts, says so at once, and comes back by itself', async (t) => {
    const queue = testQueue(redis.url, 'absent');
    t.after(() => queue.close());
    await queue.end('one', 'expired: after 15m');
    await redis.kill();
    const env = { REDIS_URL: redis.url, OPENFERO_QUEUE_PREFIX: 'absent' };
    const { ask, service } = await startDashboard(t, {
      ...env,
      OPENFERO_DASHBOARD_READ_ONLY: 'false',
    });

    for (const path of ['/', '/queue/queue/remediations', '/queue/queue/remediations/one']) {
      const page = await ask('GET', path);
      assert.equal(page.status, 503, path);
      assert.match(page.headers['content-type'] ?? '', /^text\/html/);
      assert.match(page.body, /http-equiv="refresh"[\s\S]*Redis is not reachable/);
    }
    for (const [method, path] of [
      ['GET', LIST],
      ['PUT', '/queue/api/queues/remediations/one/retry'],
    ] as const) {
      const answer = await ask(method, path, SAME_ORIGIN);
      assert.equal(answer.status, 503);
      assert.match(answer.error ?? '', /^Redis is not reachable/);
    }
    assert.equal((await ask('GET', '/readyz')).status, 503);
    assert.equal((await ask('GET', '/healthz')).status, 200);
    assert.equal((await ask('GET', '/metrics')).status, 200);
    assert.equal((await ask('GET', '/queue/static/images/logo.svg')).status, 200);

    await redis.restart();
    await service.ready();
    assert.equal((await ask('GET', '/')).status, 200);
    assert.match((await ask('GET', LIST)).body, /"name":"KubeQuotaAlmostFull firing · expired"/);
    assert.equal(
      (await ask('PUT', '/queue/api/queues/remediations/one/retry', SAME_ORIGIN)).status,
      204,
    );

    await redis.restart();
    await service.waitForLine(({ msg }) => msg.includes('reconnecting'));
    await service.ready();
    assert.equal((await ask('GET', LIST)).status, 200);
  });

  test('a Redis that hangs is a 503 in seconds', async (t) => {
    const env = { REDIS_URL: redis.url, OPENFERO_QUEUE_PREFIX: 'hangs' };
    const { ask, service } = await startDashboard(t, env);
    await service.ready();
    assert.equal((await ask('GET', LIST)).status, 200);
    redis.pause();
    t.after(() => redis.resume());
    const since = performance.now();
    const answer = await ask('GET', LIST);
    assert.equal(answer.status, 503, answer.body);
    assert.ok(answer.error);
    assert.ok(performance.now() - since < 5000, `${performance.now() - since} ms`);
    redis.resume();
    await service.ready();
    assert.equal((await ask('GET', LIST)).status, 200);
  });

  test('a Redis that refuses is a 503 in its own words, and needs no restart', async (t) => {
    const own = new Redis(redis.url);
    t.after(() => own.disconnect());
    await own.acl('SETUSER', 'of', 'on', '>pw', '~other:*', '+@all');
    const url = redis.url.replace('//', '//of:pw@');
    const { ask, service } = await startDashboard(t, { REDIS_URL: url });
    const words = /NOPERM .*REDIS_USERNAME/;
    await service.waitForLine(({ msg }) => words.test(msg));
    const ready = await ask('GET', '/readyz');
    assert.equal(ready.status, 503);
    assert.match(ready.body, words);
    const answer = await ask('GET', LIST);
    assert.equal(answer.status, 503);
    assert.match(answer.error ?? '', words);

    await own.acl('SETUSER', 'of', '~*');
    await service.ready(5000);
    assert.equal((await ask('GET', LIST)).status, 200);
  });

  test('SIGTERM ends it, with and without Redis', async (t) => {
    for (const url of [redis.url, 'redis://127.0.0.1:1']) {
      const { service } = await startDashboard(t, { REDIS_URL: url });
      assert.deepEqual(await service.stop(), { code: 0, signal: null });
    }
  });
});
