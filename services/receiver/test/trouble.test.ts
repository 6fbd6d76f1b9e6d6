import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startProxy } from '@openfero/testkit/proxy';
import { freePort, startRedis } from '@openfero/testkit/redis';
import {
  alert,
  buildReceiver,
  countsOf,
  notification,
  type TestReceiver,
  untilClosed,
  untilReady,
} from './receiver.ts';

const BODY = notification(alert('A'));

/** Posts and tells how long the answer took. */
async function timedPost(
  receiver: TestReceiver,
): Promise<{ code: number; error: string; ms: number }> {
  const start = performance.now();
  const answer = await receiver.post(BODY);
  return {
    code: answer.statusCode,
    error: String(answer.json().error),
    ms: performance.now() - start,
  };
}

const readyz = async (receiver: TestReceiver): Promise<number> =>
  (await receiver.app.inject('/readyz')).statusCode;

test('without Redis at the start it refuses at once, and works once Redis appears', async (t) => {
  const port = await freePort();
  const receiver = await buildReceiver(t, `redis://127.0.0.1:${port}`);

  assert.equal(await readyz(receiver), 503);
  assert.equal((await receiver.app.inject('/healthz')).statusCode, 200);
  const refused = await timedPost(receiver);
  assert.equal(refused.code, 503);
  assert.match(refused.error, /REDIS_URL/);
  assert.ok(refused.ms < 500, `${refused.ms} ms`);

  const redis = await startRedis({ port });
  t.after(() => redis.stop());
  await untilReady(receiver.redis);
  assert.equal((await receiver.post(BODY)).statusCode, 200);
  assert.equal(await readyz(receiver), 200);
});

test('a Redis that goes is answered with 503 at once, and one that comes back with 200', async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  const gone = untilClosed(receiver.redis);
  await redis.kill();
  await gone;

  assert.equal((await timedPost(receiver)).code, 503);

  await redis.restart();
  await untilReady(receiver.redis);
  assert.equal((await receiver.post(BODY)).statusCode, 200);
});

test('what was answered with 200 is still there after Redis was killed', async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  assert.equal((await receiver.post(BODY)).statusCode, 200);
  const gone = untilClosed(receiver.redis);
  await redis.kill();
  await gone;

  await redis.restart();

  await untilReady(receiver.redis);
  assert.equal(await receiver.redis.llen(`${receiver.prefix}:remediations:wait`), 1);
});

test('a Redis that hangs costs one deadline, then refuses at once, and needs no restart', async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  const closed = untilClosed(receiver.redis);
  redis.pause();

  const first = await timedPost(receiver);
  assert.equal(first.code, 503);
  assert.ok(first.ms < 2000, `${first.ms} ms`);
  await closed;
  const second = await timedPost(receiver);
  assert.equal(second.code, 503);
  assert.ok(second.ms < 500, `${second.ms} ms`);

  redis.resume();
  await untilReady(receiver.redis);
  assert.equal((await receiver.post(BODY)).statusCode, 200);
});

test('a network that swallows everything is as a Redis that hangs', async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const proxy = await startProxy(redis);
  t.after(() => proxy.close());
  const receiver = await buildReceiver(t, `redis://127.0.0.1:${proxy.port}`);
  await untilReady(receiver.redis);
  const closed = untilClosed(receiver.redis);
  proxy.blackhole();

  const refused = await timedPost(receiver);
  assert.equal(refused.code, 503);
  assert.ok(refused.ms < 2000, `${refused.ms} ms`);
  await closed;

  proxy.heal();
  await untilReady(receiver.redis);
  assert.equal((await receiver.post(BODY)).statusCode, 200);
});

test('a full Redis is answered with 503 that names the memory', async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  await receiver.redis.config('SET', 'maxmemory', '1');

  const refused = await timedPost(receiver);

  assert.equal(refused.code, 503);
  assert.match(refused.error, /memory/);
  await receiver.redis.config('SET', 'maxmemory', '0');
});

test('above 75 % of maxmemory nothing is taken, though Redis would', async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const probe = await buildReceiver(t, redis.url);
  await untilReady(probe.redis);
  await probe.redis.setrange('ballast', 20 * 1024 ** 2, 'x');
  const used = Number(/^used_memory:(\d+)/m.exec(await probe.redis.info('memory'))?.[1]);
  await probe.redis.config('SET', 'maxmemory', String(Math.round(used / 0.85)));

  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  // Its first sample was asked for on the same connection when that became ready.
  await receiver.redis.ping();

  const refused = await timedPost(receiver);
  assert.equal(refused.code, 503);
  assert.match(refused.error, /maxmemory, the limit is 75 %/);
});

test('with OPENFERO_MAX_WAITING waiting nothing more is taken', async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const receiver = await buildReceiver(t, redis.url, { OPENFERO_MAX_WAITING: '2' });
  await untilReady(receiver.redis);
  await receiver.post(notification(alert('A'), alert('B')));

  const answer = await receiver.post(notification(alert('C')));

  assert.equal(answer.statusCode, 503);
  assert.match(answer.json().error, /OPENFERO_MAX_WAITING is 2/);
  const states = await receiver.redis.keys(`${receiver.prefix}:state:*`);
  assert.equal(states.length, 2, 'a refused notification leaves no state');
});

test('scripts that Redis forgot cost a notification of several alerts one refusal', async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  const several = notification(alert('B'), alert('C'));
  await receiver.post(notification(alert('A'), alert('A2')));
  await receiver.redis.script('FLUSH');
  const closed = untilClosed(receiver.redis);

  assert.equal((await receiver.post(several)).statusCode, 503);

  await closed;
  await untilReady(receiver.redis);
  const again = await receiver.post(several);
  assert.deepEqual(countsOf(again), { queued: 2, absorbed: 0, rejected: 0 });
});

test('a single alert is stored all the same where Redis forgot its scripts', async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  await receiver.post(notification(alert('A')));
  await receiver.redis.script('FLUSH');

  const answer = await receiver.post(notification(alert('B')));

  assert.deepEqual(countsOf(answer), { queued: 1, absorbed: 0, rejected: 0 });
});
