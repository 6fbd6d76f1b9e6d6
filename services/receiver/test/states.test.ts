import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MAX_STATES } from '@openfero/core/redis/states';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { alert, buildReceiver, notification, untilReady } from './receiver.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

/** KEYS the sorted set; ARGV what the keys of states begin with, the numbers of the first and the last. */
const ADD_STATES = `
for i = ARGV[2], ARGV[3] do
  redis.call('SET', ARGV[1] .. i, '{}')
  redis.call('ZADD', KEYS[1], i, ARGV[1] .. i)
end
`;

/** Added at once: the receiver's connection waits for 1.5 s only. */
const CHUNK = MAX_STATES / 20;

test('of the states of alerts those received last are kept', async (t) => {
  const { redis, prefix, post } = await buildReceiver(t, server.url);
  await untilReady(redis);
  const [all, old] = [`${prefix}:states`, `${prefix}:state:old`];
  for (let last = CHUNK; last <= MAX_STATES; last += CHUNK) {
    await redis.eval(ADD_STATES, 1, all, old, last - CHUNK + 1, last);
  }

  const two = notification(alert('Disk', { i: '1' }), alert('Disk', { i: '2' }));
  for (let i = 0; i < 2; i++) assert.equal((await post(two)).statusCode, 200);

  assert.equal(await redis.zcard(all), MAX_STATES);
  assert.equal(await redis.exists(`${old}1`, `${old}2`), 0);
  assert.equal(await redis.exists(`${old}3`), 1);
  const newest = await redis.zrange(all, '-2', '-1');
  assert.equal(await redis.exists(newest), 2, 'what is listed is there');
});
