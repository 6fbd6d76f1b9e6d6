import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import fc from 'fast-check';
import { addBasePath, withoutBase } from '../src/base-path.ts';
import { readNetworks } from '../src/person.ts';
import { readSettings } from '../src/settings.ts';
import { type Dashboard, startDashboard } from './dashboard.ts';
import { type TestQueue, testQueue } from './remediations.ts';

const ENV = {
  OPENFERO_QUEUE_PREFIX: 'proxied',
  OPENFERO_AUTH: 'bearer',
  OPENFERO_AUTH_TOKEN: 'secret',
  OPENFERO_DASHBOARD_BASE_PATH: '/ops/openfero',
  OPENFERO_DASHBOARD_USER_HEADER: 'X-Forwarded-User',
};
const LOGIN = { authorization: 'Bearer secret' };
const PUT = { ...LOGIN, 'sec-fetch-site': 'same-origin' };

suite('behind a proxy', { concurrency: false }, () => {
  let redis: TestRedis;
  let queue: TestQueue;
  let trusting: Dashboard;
  let doubting: Dashboard;
  const closing: (() => unknown)[] = [];

  before(async () => {
    redis = await startRedis();
    queue = testQueue(redis.url, 'proxied');
    const t = { after: (close: () => unknown) => void closing.push(close) };
    const env = { ...ENV, REDIS_URL: redis.url };
    const proxies = { near: '192.0.2.1,127.0.0.0/8', far: '192.0.2.0/24' };
    [trusting, doubting] = await Promise.all([
      startDashboard(t, { ...env, OPENFERO_DASHBOARD_TRUSTED_PROXIES: proxies.near }),
      startDashboard(t, { ...env, OPENFERO_DASHBOARD_TRUSTED_PROXIES: proxies.far }),
    ]);
    await Promise.all([trusting.service.ready(), doubting.service.ready()]);
  });
  after(async () => {
    for (const close of closing) await close();
    await queue.close();
    await redis.stop();
  });

  test('every address of a page begins with the base path, and leads to what it names', async () => {
    for (const page of ['/', '/operarii', '/queue', '/occurrences/none/none']) {
      const { body } = await trusting.ask('GET', `/ops/openfero${page}`, LOGIN);
      const addresses = [...body.matchAll(/ (?:href|src|action|data-events)="(\/[^"]*)"/g)].map(
        ([, address = '']) => address.replaceAll('&amp;', '&'),
      );
      assert.ok(addresses.length > 0, page);
      for (const address of addresses) {
        assert.match(address, /^\/ops\/openfero\//, page);
        if (address.includes('/events') || address.endsWith('/queue/')) continue;
        assert.equal((await trusting.ask('GET', address, LOGIN)).status, 200, address);
      }
    }
    const board = await trusting.ask('GET', '/ops/openfero/queue', LOGIN);
    assert.match(board.body, /<base href="\/ops\/openfero\/queue\/"/);
  });

  test('a redirect stays below the base path', async () => {
    const { headers } = await trusting.ask('GET', '/ops/openfero/queue/remediations', LOGIN);
    assert.equal(headers.location, '/ops/openfero/queue/queue/remediations');
  });

  test('a proxy may remove the base path itself, and probes come without it', async () => {
    for (const path of ['/', '/ops/openfero', '/ops/openfero/?all=true', '/readyz', '/metrics']) {
      assert.equal((await trusting.ask('GET', path, LOGIN)).status, 200, path);
    }
    const similar = await trusting.ask('GET', '/ops/openferocious', LOGIN);
    assert.equal(similar.status, 404);
  });

  test('the base path is no way past the login', async () => {
    assert.equal((await trusting.ask('GET', '/ops/openfero/')).status, 401);
  });

  const retry = async (on: Dashboard, id: string, headers: Record<string, string | string[]>) => {
    await queue.redis.flushall();
    await queue.end(id, 'expired: after 15m');
    const path = `/ops/openfero/queue/api/queues/remediations/${id}/retry`;
    assert.equal((await on.ask('PUT', path, { ...PUT, ...headers })).status, 204);
    return on.service.waitForLine(({ action, subject }) => action === 'retry' && subject === id);
  };

  test('an act is logged and recorded with the user that a trusted proxy names', async () => {
    const line = await retry(trusting, 'one', { 'x-forwarded-user': 'ann@example.com' });
    assert.equal(line['user'], 'ann@example.com');
    assert.ok(JSON.stringify(await queue.redis.dump('proxied:history')).includes('ann@example'));
  });

  test('without the header, or with two of them, an act has the user of the login', async () => {
    assert.equal((await retry(trusting, 'two', {}))['user'], 'bearer');
    assert.equal((await retry(trusting, 'three', { 'x-forwarded-user': '  ' }))['user'], 'bearer');
    const two = { 'x-forwarded-user': ['eve', 'ann'] };
    assert.equal((await retry(trusting, 'four', two))['user'], 'bearer');
  });

  test('nobody but a trusted proxy can name a user', async () => {
    const line = await retry(doubting, 'five', { 'x-forwarded-user': 'ann@example.com' });
    assert.equal(line['user'], 'bearer');
  });
});

test('an address gets the base path once, wherever it is in a page', () => {
  const paths = fc.webPath().map((path) => `/${path.replace(/^[/\\]+/, '')}`);
  fc.assert(
    fc.property(paths, (path) => {
      const page = addBasePath(`<a href="${path}">`, '/ops');
      const [, address = ''] = /href="([^"]*)"/.exec(page) ?? [];
      assert.equal(withoutBase(address, '/ops'), path);
    }),
  );
  const foreign = '<a href="https://example.com/x"> <a href="//example.com"> <a href="#main">';
  assert.equal(addBasePath(foreign, '/ops'), foreign);
});

test('a list of proxies names addresses and networks of both versions', () => {
  const trusts = readNetworks('10.1.2.3, 10.2.0.0/16,fd00::/8');
  for (const address of ['10.1.2.3', '10.2.255.1', 'fd00::1', '::ffff:10.2.0.9']) {
    assert.equal(trusts?.(address), true, address);
  }
  for (const address of ['10.1.2.4', '10.3.0.0', 'fe80::1', '::ffff:10.3.0.1', '']) {
    assert.equal(trusts?.(address), false, address);
  }
});

const REFUSED: readonly (readonly [env: Record<string, string>, named: RegExp])[] = [
  [{ BASE_PATH: '/' }, /^Error: OPENFERO_DASHBOARD_BASE_PATH: must begin/],
  [{ BASE_PATH: 'openfero' }, /^Error: OPENFERO_DASHBOARD_BASE_PATH: /],
  [{ BASE_PATH: '/a/' }, /^Error: OPENFERO_DASHBOARD_BASE_PATH: /],
  [{ BASE_PATH: '//evil.example' }, /^Error: OPENFERO_DASHBOARD_BASE_PATH: /],
  [{ BASE_PATH: '/a/../b' }, /^Error: OPENFERO_DASHBOARD_BASE_PATH: /],
  [{ USER_HEADER: 'X-User' }, /^Error: OPENFERO_DASHBOARD_TRUSTED_PROXIES: is missing/],
  [{ TRUSTED_PROXIES: '10.0.0.1' }, /^Error: OPENFERO_DASHBOARD_USER_HEADER: must be the name/],
  ...['proxy', '10.0.0.0/33', '10.0.0.1,', 'fd00::/129', '1.2.3'].map(
    (list) =>
      [
        { USER_HEADER: 'X-User', TRUSTED_PROXIES: list },
        /^Error: OPENFERO_DASHBOARD_TRUSTED_PROXIES: must be a list/,
      ] as const,
  ),
];

for (const [env, named] of REFUSED) {
  test(`refuses ${JSON.stringify(env)}`, () => {
    const given = Object.entries(env).map(([name, value]) => [`OPENFERO_DASHBOARD_${name}`, value]);
    const whole = { REDIS_URL: 'redis://localhost', ...Object.fromEntries(given) };
    assert.throws(() => readSettings(whole), named);
  });
}
