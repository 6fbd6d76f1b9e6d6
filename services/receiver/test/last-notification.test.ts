import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  lastNotificationKey,
  lastRefusalKey,
  readLastNotification,
  readLastRefusal,
} from '@openfero/core/redis/published';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { until } from '@openfero/testkit/until';
import { alert, buildReceiver, notification, type TestReceiver, untilReady } from './receiver.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const accepted = async ({ redis, prefix }: TestReceiver): Promise<number | undefined> =>
  readLastNotification(await redis.get(lastNotificationKey(prefix)));
const refused = async ({ redis, prefix }: TestReceiver) =>
  readLastRefusal(await redis.get(lastRefusalKey(prefix)));

test('it is known when a notification was last accepted, and when one was last refused', async (t) => {
  const receiver = await buildReceiver(t, server.url);
  await untilReady(receiver.redis);
  await receiver.app.inject('/alerts');
  assert.equal((await receiver.post('{')).statusCode, 400);
  await until('the refusal is known', async () => (await refused(receiver)) !== undefined);
  const { at = 0, code } = (await refused(receiver)) ?? {};
  assert.equal(code, 400);
  assert.ok(Math.abs(at - Date.now()) < 10_000);
  assert.equal(await accepted(receiver), undefined);

  assert.equal((await receiver.post(notification(alert('Disk')))).statusCode, 200);
  await until('it is known', async () => (await accepted(receiver)) !== undefined);
  assert.ok(((await accepted(receiver)) ?? 0) >= at);
  assert.equal((await refused(receiver))?.at, at);
});

test('a flood of notifications writes that once a second', async (t) => {
  const receiver = await buildReceiver(t, server.url);
  await untilReady(receiver.redis);
  const stamps = async (): Promise<number> => {
    const stats = await receiver.redis.info('commandstats');
    return Number(/cmdstat_time:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  };
  // Each notification asks Redis for the time of its receipt once.
  const before = await stamps();
  const since = performance.now();
  const count = 200;
  for (let i = 0; i < count; i++) {
    assert.equal(
      (await receiver.post(notification(alert('Disk', { i: String(i) })))).statusCode,
      200,
    );
  }
  const seconds = (performance.now() - since) / 1000;
  const more = (await stamps()) - before - count;
  assert.ok(more >= 1 && more <= 1 + seconds, `${more} in ${seconds} s`);
});

test('what another has written there is not read', () => {
  for (const text of [null, '', '1', '{"at":1}', '{"at":-1,"code":400}', '{"at":1,"code":200}']) {
    assert.equal(readLastRefusal(text), undefined, String(text));
  }
  for (const text of [null, '', '-1', '1e3', '9'.repeat(16)]) {
    assert.equal(readLastNotification(text), undefined, String(text));
  }
});
