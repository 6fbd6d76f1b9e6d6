import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { appRoutes, buildHistoryRoutes } from '@bull-board/api/dist/routes.js';
import { createLogger } from '@openfero/service/log';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import Fastify from 'fastify';
import { Redis } from 'ioredis';
import { guardRoutes } from '../src/guard.ts';
import { type Dashboard, startDashboard } from './dashboard.ts';
import { type TestQueue, testQueue } from './remediations.ts';

/** All that can be reached; every other route of Bull Board, of this version or a newer one, is not. */
const READING = new Set([
  'GET /',
  'GET /queue/:queueName',
  'GET /queue/:queueName/:jobId',
  'GET /api/redis/stats',
  'GET /api/queues',
  'GET /api/queues/:queueName/workers',
  'GET /api/queues/:queueName/rate-limit',
  'GET /api/queues/:queueName/default-job-options',
  'GET /api/queues/:queueName/:jobId',
  'GET /api/queues/:queueName/:jobId/logs',
  'GET /api/queues/:queueName/:jobId/flow',
]);
const CHANGES = new Set([
  'PUT /api/queues/:queueName/:jobId/retry',
  'PUT /api/queues/:queueName/retry/:queueStatus',
  'PUT /api/queues/:queueName/:jobId/clean',
  'PUT /api/queues/:queueName/clean/:queueStatus',
]);

/** Bull Board's own table, the routes of its optional parts included. */
const TABLE = [
  appRoutes.entryPoint,
  ...appRoutes.api,
  ...buildHistoryRoutes(
    { getHistory: async () => [] },
    { hasUsage: true, canPurge: true, hasLatency: true },
  ),
].flatMap(({ method, route }) =>
  [method].flat().flatMap((verb) => [route].flat().map((path) => `${verb.toUpperCase()} ${path}`)),
);

const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' };

suite("of Bull Board's routes", { concurrency: false }, () => {
  let redis: TestRedis;
  let queue: TestQueue;
  let readOnly: Dashboard;
  let writable: Dashboard;

  const closing: (() => unknown)[] = [];

  before(async () => {
    redis = await startRedis();
    queue = testQueue(redis.url, 'routes');
    await queue.end('is-failed', 'rejected: forbidden');
    await queue.add('is-waiting');
    const t = { after: (close: () => unknown) => void closing.push(close) };
    const env = { REDIS_URL: redis.url, OPENFERO_QUEUE_PREFIX: 'routes' };
    readOnly = await startDashboard(t, env);
    writable = await startDashboard(t, { ...env, OPENFERO_DASHBOARD_READ_ONLY: 'false' });
    await Promise.all([readOnly.service.ready(), writable.service.ready()]);
  });
  after(async () => {
    for (const close of closing) await close();
    await queue.close();
    await redis.stop();
  });

  /** Everything that Redis holds. */
  async function snapshot(): Promise<string[]> {
    const keys = (await queue.redis.keys('*')).sort();
    const values = await Promise.all(keys.map((key) => queue.redis.dumpBuffer(key)));
    return keys.map((key, index) => `${key} ${values[index]?.toString('hex')}`);
  }

  /** Asserts 405, and that nothing changed. */
  async function isRefused(on: Dashboard, method: string, path: string): Promise<void> {
    const old = await snapshot();
    const json = { ...SAME_ORIGIN, 'content-type': 'application/json' };
    const answer = await on.ask(method, path, json, '{"force":true}');
    assert.equal(answer.status, 405, `${method} ${path}: ${answer.body}`);
    assert.ok(method === 'HEAD' || answer.error, answer.body);
    assert.deepEqual(await snapshot(), old);
  }

  test('the table is the one that this test was written for', () => {
    assert.ok(TABLE.length > 40, `${TABLE.length}`);
    for (const listed of [...READING, ...CHANGES]) assert.ok(TABLE.includes(listed), listed);
  });

  for (const entry of TABLE) {
    const [method = '', pattern = ''] = entry.split(' ');
    const path = (state: string): string =>
      `/queue${pattern}`
        .replace(':queueName', 'remediations')
        .replace(':jobId', `is-${state}`)
        .replace(':queueStatus', state)
        .replace(':schedulerId', 'any');

    if (READING.has(entry)) {
      test(`${entry} is read in both modes`, async () => {
        const old = await snapshot();
        for (const on of [readOnly, writable]) {
          const answer = await on.ask(method, path('waiting'));
          assert.equal(answer.status, 200, answer.body);
        }
        assert.deepEqual(await snapshot(), old);
      });
    } else if (CHANGES.has(entry)) {
      test(`${entry} answers 405 where read-only`, () =>
        isRefused(readOnly, method, path('failed')));
      test(`${entry} leaves alone what has not failed`, async () => {
        const old = await snapshot();
        const answer = await writable.ask(method, path('waiting'), SAME_ORIGIN);
        assert.equal(answer.status, pattern.includes(':queueStatus') ? 405 : 409, answer.body);
        assert.ok(answer.error);
        assert.deepEqual(await snapshot(), old);
      });
    } else {
      test(`${entry} answers 405`, async () => {
        for (const on of [readOnly, writable]) {
          await isRefused(on, method, path('failed'));
          await isRefused(on, method, path('waiting'));
        }
      });
    }
  }

  const spellings = [
    '//queue/api/queues/remediations/pause',
    '/queue/api//queues/remediations//pause',
    '/queue/api/queues/remediations/pause/',
    '/queue/api/queues/remediations/pause?x=1',
    '/QUEUE/API/Queues/remediations/PAUSE',
    '/queue/%61pi/queues/remediations/p%61use',
    '/queue/api/queues/remediations%2Fpause',
    '/queue/api/queues/remediations/%70ause%00',
    '/queue/api/./queues/remediations/../remediations/pause',
    '/queue/static/../api/queues/remediations/pause',
    '/queue/api/queues/remediations/pause;x=1',
    '/queue/api/queues/remediations/clean/%66ailed/../pause',
    '/queue/api/queues/remediations/clean/FAILED',
    '/queue/api/queues/remediations/clean/waiting',
    '/queue/api/queues/remediations/empty#/retry/failed',
  ];
  for (const path of spellings) {
    test(`PUT ${path} answers 405`, async () => {
      await isRefused(readOnly, 'PUT', path);
      await isRefused(writable, 'PUT', path);
    });
  }

  for (const method of ['OPTIONS', 'DELETE', 'POST', 'PATCH', 'TRACE', 'PROPFIND', 'HEAD']) {
    test(`${method} of something that changes answers 405 or leads nowhere`, async () => {
      const old = await snapshot();
      for (const path of ['pause', 'obliterate', 'is-failed/clean', 'retry/failed']) {
        const answer = await writable.ask(
          method,
          `/queue/api/queues/remediations/${path}`,
          SAME_ORIGIN,
        );
        // HEAD of "pause" and the like asks for a job of that name.
        assert.ok(answer.status === 405 || (method === 'HEAD' && answer.status === 404), path);
      }
      assert.deepEqual(await snapshot(), old);
    });
  }

  test('a header that names another method is ignored', async () => {
    const old = await snapshot();
    const headers = { ...SAME_ORIGIN, 'x-http-method-override': 'PUT', 'x-http-method': 'PUT' };
    const path = '/queue/api/queues/remediations/clean/failed?_method=PUT';
    assert.equal((await writable.ask('POST', path, headers)).status, 405);
    assert.equal((await writable.ask('GET', path, headers)).status, 405);
    assert.deepEqual(await snapshot(), old);
  });

  test('a path that nobody knows is a 404 with JSON', async () => {
    for (const path of [
      '/nothing',
      '/queue/static/nothing.js',
      '/queue/static/css/',
      '/queue/static/',
    ]) {
      const answer = await readOnly.ask('GET', path);
      assert.equal(answer.status, 404, path);
      assert.ok(answer.error);
    }
  });

  test('files beside the static ones are not served', async () => {
    for (const path of [
      '/queue/static/../../package.json',
      '/queue/static/%2e%2e/index.ejs',
      '/queue/static/..%2findex.ejs',
    ]) {
      const { status } = await readOnly.ask('GET', path);
      assert.ok(status === 403 || status === 404, `${path}: ${status}`);
    }
  });

  test('a longer list than a page needs is refused', async () => {
    const path = '/queue/api/queues?activeQueue=remediations&jobsPerPage=1000000';
    assert.equal((await readOnly.ask('GET', path)).status, 400);
  });

  test('a route that a new version brings answers 405', async () => {
    const app = Fastify();
    await app.register((scope, _options, done) => {
      guardRoutes(scope, {
        redis: new Redis({ lazyConnect: true }),
        log: createLogger('silent', 'test'),
        readOnly: false,
        open: false,
        handleChange: async (_change, _request, reply) => reply.send({}),
      });
      for (const method of ['GET', 'PUT', 'POST', 'DELETE']) {
        scope.route({ method, url: '/api/brand-new', handler: async () => 'reached' });
      }
      scope.route({
        method: ['PUT', 'POST'],
        url: '/api/queues/:queueName/clean/:queueStatus',
        handler: async () => 'reached',
      });
      done();
    });
    for (const method of ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const) {
      const answer = await app.inject({ method, url: '/api/brand-new' });
      assert.equal(answer.statusCode, 405, method);
    }
    const post = await app.inject({ method: 'POST', url: '/api/queues/remediations/clean/failed' });
    assert.equal(post.statusCode, 405);
    await app.close();
  });
});
