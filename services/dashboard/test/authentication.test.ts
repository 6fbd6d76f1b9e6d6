import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { scrape } from '@openfero/testkit/scrape';
import { startDashboard } from './dashboard.ts';

const CLOSED = [
  '/',
  '/queue/queue/remediations',
  '/queue/static/images/logo.svg',
  '/queue/api/queues',
  '/queue/api/queues/remediations/pause',
  '/occurrences/abc/2026-11-22T03:00:00Z',
  '/remediations/one',
  '/remediations/one/retry',
  '/remediations/one/remove',
  '/remediations/one/rerun',
  '/operarii',
  '/operarii/one',
  '/operarii/one/rearm',
  '/history.jsonl',
  '/events',
  '/retry',
  '/assets/live.js',
  '/queue',
  '/nothing',
  '//healthz/../api/queues',
];

suite('authentication', { concurrency: false }, () => {
  let redis: TestRedis;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());

  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  const kinds = [
    {
      env: {
        OPENFERO_AUTH: 'basic',
        OPENFERO_AUTH_USER: 'ann',
        OPENFERO_AUTH_PASSWORD: 's3cret',
      },
      right: basic('ann:s3cret'),
      wrong: [basic('ann:wrong'), basic('bob:s3cret'), 'Bearer s3cret'],
    },
    {
      env: { OPENFERO_AUTH: 'bearer', OPENFERO_AUTH_TOKEN: 't0ken' },
      right: 'Bearer t0ken',
      wrong: ['Bearer t0ke', 'Bearer ', basic('t0ken:')],
    },
  ];
  for (const { env, right, wrong } of kinds) {
    test(`${env.OPENFERO_AUTH} is asked of everything but health and metrics`, async (t) => {
      const { ask, service } = await startDashboard(t, { REDIS_URL: redis.url, ...env });
      await service.ready();
      const refused = ['', ...wrong].flatMap((authorization) =>
        CLOSED.flatMap((path) =>
          ['GET', 'PUT', 'POST'].map((method) => [method, path, { authorization }] as const),
        ),
      );
      for (const asked of refused) {
        const answer = await ask(...asked);
        assert.equal(answer.status, 401, JSON.stringify(asked));
        assert.ok(answer.headers['www-authenticate']);
      }
      for (const path of ['/', '/queue/static/images/logo.svg', '/queue/api/queues']) {
        assert.equal((await ask('GET', path, { authorization: right })).status, 200, path);
      }
      for (const path of ['/healthz', '/readyz', '/metrics']) {
        assert.equal((await ask('GET', path)).status, 200, path);
      }
    });
  }

  test('has a port with the metrics and nothing else, if it has a number', async (t) => {
    const env = { REDIS_URL: redis.url, OPENFERO_DASHBOARD_METRICS_PORT: '0' };
    const { service } = await startDashboard(t, env);
    const { url } = await service.waitForLine(({ only }) => only === '/metrics');
    const { text } = await scrape(String(url));
    assert.match(text, /^openfero_acts_total\{act="retry"\} 0$/m);
    for (const path of ['/', '/queue', '/history.jsonl', '/events', '/healthz']) {
      assert.equal((await fetch(`${url}${path}`)).status, 404, path);
    }
  });
});
