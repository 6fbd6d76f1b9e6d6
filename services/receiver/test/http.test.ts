import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { until } from '@openfero/testkit/until';
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

/** The connection is gone before the receiver has noted it. */
async function untilCounted(receiver: TestReceiver, code: number): Promise<void> {
  const counter = `openfero_notifications_total{code="${code}"}`;
  await until(`${counter} is 1`, async () => (await receiver.metric(counter)) === 1);
}

const HEAD = 'POST /alerts HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

test('half a body that stalls is answered with 503, which is repeated, and cut', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  const port = await listen(receiver);

  const { answer, ms } = await raw(port, `${HEAD}content-length: 1000\r\n\r\n{"version":"4",`);

  assert.match(answer, /^HTTP\/1\.1 503 /);
  assert.match(answer, /\{"error":"[^"]+ check the network/);
  assert.ok(ms < 5000, `${ms} ms`);
  await untilCounted(receiver, 503);
});

test('a head that stalls is cut as well', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  const port = await listen(receiver);

  const { answer, ms } = await raw(port, HEAD);

  assert.match(answer, /^HTTP\/1\.1 503 /);
  assert.ok(ms < 5000, `${ms} ms`);
});

/**
 * Sends as Python's clients do: the whole body first, then it reads. A connection that is closed before
 * that is an error to them, and no answer.
 */
async function sendThenRead(port: number, head: string, chunks: Iterable<Buffer>): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8').pause();
  let failure: Error | undefined;
  socket.on('error', (error) => {
    failure = error;
  });
  socket.write(`${head}connection: close\r\n\r\n`);
  for (const chunk of chunks) {
    await new Promise((written) => socket.write(chunk, written));
    await setImmediate();
  }
  if (failure !== undefined) return String(failure);
  const [answer] = await once(socket.resume(), 'data');
  socket.destroy();
  return String(answer);
}

const TOO_LARGE = new Array<Buffer>(40).fill(Buffer.alloc(128 * 1024, ' '));
const TOO_LONG = `content-length: ${40 * 128 * 1024}\r\n`;

for (const [what, head, code] of [
  ['a body that is too large', `${HEAD}${TOO_LONG}`, 413],
  ['a compressed body', `${HEAD}content-encoding: gzip\r\n${TOO_LONG}`, 415],
  ['a body of another type', `${HEAD}${TOO_LONG}`.replace('application/json', 'text/plain'), 415],
  ['a body to a wrong path', `${HEAD}${TOO_LONG}`.replace('/alerts', '/alert'), 404],
] as const) {
  test(`a sender of ${what} reads ${code}, in each of 10 tries`, async (t) => {
    const receiver = await buildReceiver(t, redis.url);
    const port = await listen(receiver);
    for (let i = 0; i < 10; i++) {
      assert.match(await sendThenRead(port, head, TOO_LARGE), new RegExp(`^HTTP/1.1 ${code} `));
    }
  });
}

test('a sender without a Content-Length reads 413 too', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  const port = await listen(receiver);
  const chunk = Buffer.concat([Buffer.from('80000\r\n'), Buffer.alloc(0x80000, ' '), CRLF]);
  const chunks = [...new Array(20).fill(chunk), Buffer.from('0\r\n\r\n')];

  const answer = await sendThenRead(port, `${HEAD}transfer-encoding: chunked\r\n`, chunks);

  assert.match(answer, /^HTTP\/1\.1 413 /);
});

const CRLF = Buffer.from('\r\n');

test('a sender that takes 3 s for a body that is too large reads 413, not 503', async (t) => {
  const receiver = await buildReceiver(t, redis.url);
  const port = await listen(receiver);
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  const chunk = Buffer.alloc(100 * 1024, ' ');
  socket.write(`${HEAD}content-length: ${40 * chunk.length}\r\n\r\n`);
  let sent = 0;
  const timer = setInterval(() => {
    socket.write(chunk);
    if (++sent === 40) clearInterval(timer);
  }, 75);
  t.after(() => clearInterval(timer));

  const [answer] = await once(socket, 'data');

  assert.match(String(answer), /^HTTP\/1\.1 413 .*OPENFERO_BODY_LIMIT/s);
  // The rest can still be sent: nothing is broken yet.
  await new Promise((written) => socket.write(chunk, written));
  assert.equal(socket.destroyed, false);
  socket.destroy();
  await untilCounted(receiver, 413);
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

test('a compressed body is answered with 415', async (t) => {
  const receiver = await buildReceiver(t, redis.url);

  const answer = await receiver.post(notification(alert('A')), { 'content-encoding': 'gzip' });

  assert.equal(answer.statusCode, 415);
  assert.match(answer.json().error, /compressed .*gzip/);
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
