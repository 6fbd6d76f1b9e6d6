import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { alert, buildReceiver, notification, type TestReceiver, untilReady } from './receiver.ts';

let redis: TestRedis;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

async function listen(receiver: TestReceiver): Promise<number> {
  await untilReady(receiver.redis);
  return Number(new URL(await receiver.app.listen({ host: '127.0.0.1', port: 0 })).port);
}

/** Sends bytes and returns all that came back until the connection was closed, and after how long. */
async function raw(port: number, bytes: string): Promise<{ answer: string; ms: number }> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  const start = performance.now();
  socket.write(bytes);
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  await once(socket, 'close');
  return { answer, ms: performance.now() - start };
}

const HEAD = 'POST /alerts HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

test('half a body that stalls is answered with 408 and cut', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  const port = await listen(receiver);

  const { answer, ms } = await raw(port, `${HEAD}content-length: 1000\r\n\r\n{"version":"4",`);

  assert.match(answer, /^HTTP\/1\.1 408 /);
  assert.match(answer, /\{"error":"[^"]+ check the network/);
  assert.ok(ms < 5000, `${ms} ms`);
  const counted = 'openfero_notifications_total{code="408"}';
  // The connection is gone before the receiver has noted it.
  for (let i = 0; i < 100 && (await receiver.metric(counted)) === 0; i++) await setImmediate();
  assert.equal(await receiver.metric(counted), 1);
});

test('a head that stalls is cut as well', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  const port = await listen(receiver);

  const { answer, ms } = await raw(port, HEAD);

  assert.match(answer, /^HTTP\/1\.1 408 /);
  assert.ok(ms < 5000, `${ms} ms`);
});

test('what is no HTTP is answered with 400', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  const port = await listen(receiver);

  const { answer } = await raw(port, 'hello\r\n\r\n');

  assert.match(answer, /^HTTP\/1\.1 400 .*\{"error":/s);
});

test('a body over OPENFERO_BODY_LIMIT is a 413 that names it, one below passes', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);
  const filled = (bytes: number): string => {
    const body = JSON.stringify(notification({ ...alert('A'), annotations: { text: '' } }));
    return body.replace('"text":""', `"text":"${'x'.repeat(bytes - body.length)}"`);
  };

  assert.equal((await receiver.post(filled(3 * 1024 ** 2))).statusCode, 200);
  const over = await receiver.post(filled(3 * 1024 ** 2 + 1));

  assert.equal(over.statusCode, 413);
  assert.match(over.json().error, /OPENFERO_BODY_LIMIT/);
  assert.equal(await receiver.metric('openfero_notifications_total{code="413"}'), 1);
});

for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/json']) {
  test(`${type} is answered with 415`, async (t) => {
    const receiver = await buildReceiver(t, redis.url);

    const answer = await receiver.post('{}', { 'content-type': type });

    assert.equal(answer.statusCode, 415);
    assert.match(answer.json().error, /application\/json/);
    assert.equal(await receiver.metric('openfero_notifications_total{code="415"}'), 1);
  });
}

test('application/json with a charset passes', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  await untilReady(receiver.redis);

  const answer = await receiver.post(notification(alert('A')), {
    'content-type': 'application/json; charset=utf-8',
  });

  assert.equal(answer.statusCode, 200);
});

test('an unknown path is a 404 that says where notifications go', async (t) => {
  const receiver = await buildReceiver(t, redis.url);

  const answer = await receiver.app.inject({ method: 'POST', url: '/alert' });

  assert.equal(answer.statusCode, 404);
  assert.match(answer.json().error, /POST \/alerts/);
});
