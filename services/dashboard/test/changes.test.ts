import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { type Dashboard, startDashboard } from './dashboard.ts';
import { type TestQueue, testQueue } from './remediations.ts';

const FETCHED = { 'sec-fetch-site': 'same-origin' };
const BASIC = {
  OPENFERO_AUTH: 'basic',
  OPENFERO_AUTH_USER: 'ann',
  OPENFERO_AUTH_PASSWORD: 's3cret',
};
const ANN = { authorization: `Basic ${Buffer.from('ann:s3cret').toString('base64')}` };

suite('what a person may change', { concurrency: false }, () => {
  let redis: TestRedis;
  let queue: TestQueue;
  let anonymous: Dashboard;
  let ann: Dashboard;
  const closing: (() => unknown)[] = [];

  before(async () => {
    redis = await startRedis();
    queue = testQueue(redis.url, 'changes');
    const t = { after: (close: () => unknown) => void closing.push(close) };
    const env = { REDIS_URL: redis.url, OPENFERO_QUEUE_PREFIX: 'changes' };
    anonymous = await startDashboard(t, { ...env, OPENFERO_DASHBOARD_READ_ONLY: 'false' });
    ann = await startDashboard(t, { ...env, ...BASIC });
    await Promise.all([anonymous.service.ready(), ann.service.ready()]);
  });
  beforeEach(() => queue.redis.flushall());
  after(async () => {
    for (const close of closing) await close();
    await queue.close();
    await redis.stop();
  });

  const put = (
    path: string,
    headers: Record<string, string> = FETCHED,
    on: Dashboard = anonymous,
  ): ReturnType<Dashboard['ask']> =>
    on.ask('PUT', `/queue/api/queues/remediations/${path}`, headers);

  test('a failed remediation is retried, and waits again', async () => {
    await queue.end('one', 'expired: after 15m');
    assert.equal((await put('one/retry')).status, 204);
    assert.equal(await queue.queue.getJobState('one'), 'waiting');
    const line = await anonymous.service.waitForLine(({ action }) => action === 'retry');
    const { user, address, subject, changed } = line;
    assert.deepEqual(
      { user, address, subject, changed },
      { user: 'anonymous', address: '127.0.0.1', subject: 'one', changed: 1 },
    );
  });

  test('all that failed is retried at once, nothing else', async () => {
    for (const id of ['one', 'two']) await queue.end(id, 'expired: after 15m');
    await queue.end('good', { outcome: 'created', operarius: 'o', reason: 'r', job: 'j' });
    const answer = await put('retry/failed');
    assert.deepEqual(JSON.parse(answer.body), { retried: 2, skipped: 0 });
    const { waiting, failed, completed } = await queue.queue.getJobCounts();
    assert.deepEqual({ waiting, failed, completed }, { waiting: 2, failed: 0, completed: 1 });
  });

  test('a failed remediation is removed, with everything that Redis holds of it', async () => {
    await queue.end('one', 'expired: after 15m');
    await queue.queue.addJobLog('one', 'a line');
    assert.equal((await put('one/clean')).status, 204);
    assert.equal(await queue.queue.getJobState('one'), 'unknown');
    assert.deepEqual(await queue.redis.keys(queue.queue.toKey('one*')), []);
    assert.equal((await put('one/clean')).status, 404);
    assert.equal((await put('one/retry')).status, 404);
  });

  test('what failed is cleaned, but for what failed a moment ago: nobody has seen it', async () => {
    for (const id of ['old', 'new']) await queue.end(id, 'expired: after 15m');
    await queue.redis.zadd(queue.queue.toKey('failed'), Date.now() - 6000, 'old');
    assert.equal((await put('clean/failed')).status, 200);
    assert.equal(await queue.queue.getJobState('old'), 'unknown');
    assert.equal(await queue.queue.getJobState('new'), 'failed');
    const line = await anonymous.service.waitForLine(({ action }) => action === 'clean');
    assert.equal(line['changed'], 1);
  });

  test('what waits, runs, is delayed or has ended well is neither removed nor retried', async () => {
    await queue.end('is-completed', { outcome: 'off', operarius: '', reason: 'r' });
    await queue.add('is-active');
    await queue.take();
    await queue.add('is-waiting');
    await queue.queue.add('remediation', {}, { jobId: 'is-delayed', delay: 60_000 });
    for (const state of ['completed', 'active', 'waiting', 'delayed']) {
      for (const action of ['clean', 'retry']) {
        const answer = await put(`is-${state}/${action}`);
        assert.equal(answer.status, 409, `${state}/${action}`);
        assert.match(answer.error ?? '', new RegExp(`this one is ${state}$`));
      }
      assert.equal(await queue.queue.getJobState(`is-${state}`), state);
    }
  });

  test("keys of Redis that are no remediation's are not reached by a name", async () => {
    await queue.end('one', 'expired: after 15m');
    const count = async (): Promise<number> => (await queue.redis.keys('*')).length;
    const old = await count();
    for (const name of ['meta', 'failed', 'events', 'id', 'one%3Alogs', '..%2Fmemory', '*']) {
      const { status } = await put(`${name}/clean`);
      assert.ok(status === 404 || status === 409, `${name}: ${status}`);
    }
    assert.equal(await count(), old);
  });

  test('of many who retry and remove the same remediation one succeeds', async () => {
    for (let round = 0; round < 10; round++) {
      const id = `race-${round}`;
      await queue.end(id, 'expired: after 15m');
      const actions = ['clean', 'retry', 'clean', 'retry', 'clean'];
      const answers = await Promise.all(actions.map((action) => put(`${id}/${action}`)));
      const done = actions.filter((_, index) => answers[index]?.status === 204);
      assert.equal(done.length, 1, answers.map(({ status }) => status).join());
      const state = await queue.queue.getJobState(id);
      assert.equal(state, done[0] === 'retry' ? 'waiting' : 'unknown');
      if (state === 'waiting') await queue.queue.remove(id);
    }
  });

  test('another queue than the remediations is not there', async () => {
    const answer = await anonymous.ask('PUT', '/queue/api/queues/other/one/retry', FETCHED);
    assert.equal(answer.status, 404);
  });

  suite('needs the same origin', () => {
    const cases: [name: string, headers: Record<string, string>, allowed: boolean][] = [
      ['Sec-Fetch-Site same-origin', { 'sec-fetch-site': 'same-origin' }, true],
      ['Sec-Fetch-Site same-site', { 'sec-fetch-site': 'same-site' }, false],
      ['Sec-Fetch-Site cross-site', { 'sec-fetch-site': 'cross-site' }, false],
      ['Sec-Fetch-Site none', { 'sec-fetch-site': 'none' }, false],
      ['our Origin', { host: 'board.example', origin: 'https://board.example' }, true],
      ['our Origin on a port', { host: 'board:8082', origin: 'http://board:8082' }, true],
      ['another Origin', { host: 'board.example', origin: 'https://evil.example' }, false],
      ['our Origin on another port', { host: 'board:8082', origin: 'http://board:1' }, false],
      ['an Origin without a name', { origin: 'null' }, false],
      [
        'our Origin, but cross-site',
        { host: 'a', origin: 'http://a', 'sec-fetch-site': 'cross-site' },
        false,
      ],
      ['neither header, as of no browser', {}, true],
    ];
    for (const [name, headers, allowed] of cases) {
      test(`${name}: ${allowed ? 'passes' : 'is refused'}`, async () => {
        // Another one's name: where it passes, it is not found.
        const answer = await put('nobody/retry', { ...ANN, ...headers }, ann);
        assert.equal(answer.status, allowed ? 404 : 403, answer.body);
        assert.ok(answer.error);
      });
    }
    test('who is logged in is named in the log', async () => {
      await queue.end('one', 'expired: after 15m');
      assert.equal((await put('one/retry', { ...ANN, ...FETCHED }, ann)).status, 204);
      const line = await ann.service.waitForLine((each) => each['action'] === 'retry');
      assert.equal(line['user'], 'ann');
    });
  });

  test('who is not logged in changes nothing', async () => {
    await queue.end('one', 'expired: after 15m');
    assert.equal((await put('one/retry', FETCHED, ann)).status, 401);
    assert.equal(await queue.queue.getJobState('one'), 'failed');
  });

  test('where nobody logs in, a foreign name for this machine is refused', async () => {
    const { port } = new URL(anonymous.url);
    for (const host of ['evil.example', `evil.example:${port}`, '127.evil.example']) {
      const headers = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
      assert.equal((await put('nobody/retry', headers)).status, 403, host);
    }
    for (const host of ['localhost:80', '127.0.0.1', `[::1]:${port}`]) {
      assert.equal((await put('nobody/retry', { ...FETCHED, host })).status, 404, host);
    }
  });
});
