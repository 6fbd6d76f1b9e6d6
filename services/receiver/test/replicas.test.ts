import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { alert, buildReceiver, countsOf, notification, untilReady } from './receiver.ts';

/** A Redis with one replica that follows it. */
async function startPair(t: TestContext): Promise<{ master: TestRedis; replica: TestRedis }> {
  const master = await startRedis();
  const args = ['--replicaof', '127.0.0.1', String(master.port)];
  const replica = await startRedis({ args });
  t.after(() => Promise.all([master.stop(), replica.stop()]));
  const own = new Redis(master.url);
  t.after(() => own.disconnect());
  await until('the replica follows', async () => (await own.wait(1, 100)) === 1);
  return { master, replica };
}

test('with OPENFERO_REDIS_WAIT a notification is accepted once the replica has it, else refused with 503', async (t) => {
  const { master, replica } = await startPair(t);
  const receiver = await buildReceiver(t, master.url, { OPENFERO_REDIS_WAIT: '1' });
  await untilReady(receiver.redis);
  const first = await receiver.post(notification(alert('A')));
  assert.deepEqual(countsOf(first), { queued: 1, absorbed: 0, rejected: 0 });
  const copy = new Redis(replica.url);
  t.after(() => copy.disconnect());
  assert.equal(await copy.llen(`${receiver.prefix}:remediations:wait`), 1);

  replica.pause();
  const since = performance.now();
  const refused = await receiver.post(notification(alert('B')));
  assert.ok(performance.now() - since < 2000);
  assert.equal(refused.statusCode, 503);
  assert.match(refused.json().error, /0 of 1 replicas.*OPENFERO_REDIS_WAIT/);

  replica.resume();
  await until('the replica follows', async () => (await copy.ping()) === 'PONG');
  const again = await receiver.post(notification(alert('B')));
  assert.deepEqual(countsOf(again), { queued: 0, absorbed: 1, rejected: 0 });
});

test('notifications at once share what they wait for', async (t) => {
  const { master } = await startPair(t);
  const receiver = await buildReceiver(t, master.url, { OPENFERO_REDIS_WAIT: '1' });
  await untilReady(receiver.redis);
  const posts = Array.from({ length: 100 }, (_, i) =>
    receiver.post(notification(alert('A', { instance: String(i) }))),
  );
  const codes = new Set((await Promise.all(posts)).map(({ statusCode }) => statusCode));
  assert.deepEqual([...codes], [200]);
  const own = new Redis(master.url);
  t.after(() => own.disconnect());
  const calls = /^cmdstat_wait:calls=(\d+)/m.exec(await own.info('commandstats'))?.[1];
  assert.ok(Number(calls) < 50, `${calls} calls of WAIT`);
});
