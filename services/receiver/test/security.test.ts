import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type RequestOptions, request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { createLogger } from '@openfero/service/log';
import { readTlsSettings, reloadTls } from '@openfero/service/tls';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { alert, buildReceiver, notification, untilReady } from './receiver.ts';

let redis: TestRedis;
let folder: string;
before(async () => {
  redis = await startRedis();
  folder = mkdtempSync(join(tmpdir(), 'openfero-tls-'));
});
after(async () => {
  rmSync(folder, { recursive: true });
  await redis.stop();
});

const BODY = notification(alert('A'));
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

const AUTHENTICATIONS = [
  {
    env: { OPENFERO_AUTH: 'bearer', OPENFERO_AUTH_TOKEN: 'right' },
    right: ['Bearer right', 'bearer right', 'BEARER   right  '],
    wrong: ['', 'Bearer', 'Bearer wrong', 'Bearer rightt', 'right', basic('user:right')],
    challenge: /^Bearer/,
  },
  {
    env: {
      OPENFERO_AUTH: 'basic',
      OPENFERO_AUTH_USER: 'user',
      OPENFERO_AUTH_PASSWORD: 'pass:word',
    },
    right: [basic('user:pass:word'), `${basic('user:pass:word')}  `.replace('Basic', 'bASIC ')],
    wrong: ['', 'Basic', basic('user:pass'), basic('User:pass:word'), basic(''), 'Bearer pass'],
    challenge: /^Basic realm=/,
  },
];

for (const { env, right, wrong, challenge } of AUTHENTICATIONS) {
  test(`${env.OPENFERO_AUTH}: only the right credentials pass`, async (t) => {
    const receiver = await buildReceiver(t, redis.url, env);
    await untilReady(receiver.redis);
    for (const authorization of right) {
      assert.equal((await receiver.post(BODY, { authorization })).statusCode, 200, authorization);
    }
    for (const authorization of wrong) {
      const answer = await receiver.post(BODY, { authorization });
      assert.equal(answer.statusCode, 401, authorization);
      assert.match(answer.json().error, /credentials/);
      assert.match(String(answer.headers['www-authenticate']), challenge);
    }
    const line = 'openfero_notifications_total{code="401"}';
    assert.equal(await receiver.metric(line), wrong.length);
  });

  test(`${env.OPENFERO_AUTH}: no header keeps the receiver busy`, async (t) => {
    const receiver = await buildReceiver(t, redis.url, env);
    const spaces = ' '.repeat(15_000);
    const started = performance.now();
    for (let i = 0; i < 100; i++) {
      const authorization = `${env.OPENFERO_AUTH} a${spaces}b${spaces}`;
      assert.equal((await receiver.post(BODY, { authorization })).statusCode, 401);
    }
    // It took 10 s and more with a regular expression.
    assert.ok(performance.now() - started < 3000);
  });

  test(`${env.OPENFERO_AUTH}: health and metrics are open, everything else is not`, async (t) => {
    const receiver = await buildReceiver(t, redis.url, env);
    await untilReady(receiver.redis);
    for (const url of ['/healthz', '/readyz', '/readiness', '/metrics', '/healthz?x=1']) {
      assert.equal((await receiver.app.inject(url)).statusCode, 200, url);
    }
    for (const url of [
      '/alerts',
      '/docs',
      '/docs/json',
      '/docs/static/x',
      '/nothing',
      '/healthz/x',
    ]) {
      assert.equal((await receiver.app.inject(url)).statusCode, 401, url);
    }
  });
}

/** Makes an authority and a certificate of it for 127.0.0.1, as files of that name. */
function makeCertificate(authority: string, name: string): void {
  const openssl = (...args: string[]): void =>
    void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-subj',
    `/CN=${authority}`,
    '-days',
    '2',
    '-keyout',
    `${authority}.key`,
    '-out',
    `${authority}.pem`,
  );
  openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
  writeFileSync(join(folder, `${name}.ext`), 'subjectAltName=IP:127.0.0.1\n');
  openssl(
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    '-CA',
    `${authority}.pem`,
    '-CAkey',
    `${authority}.key`,
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    `${name}.ext`,
    '-out',
    `${name}.pem`,
  );
}

const read = (file: string): string => readFileSync(join(folder, file), 'utf8');

async function status(url: string, options: RequestOptions): Promise<number | undefined> {
  const sent = request(url, { agent: false, ca: read('server-ca.pem'), ...options }).end();
  const [response] = await once(sent, 'response');
  response.resume();
  return response.statusCode;
}

test('with a client authority only its certificates pass, health and metrics excepted', async (t) => {
  makeCertificate('server-ca', 'server');
  makeCertificate('client-ca', 'client');
  makeCertificate('other-ca', 'stranger');
  const receiver = await buildReceiver(t, redis.url, {
    OPENFERO_TLS_CERT_FILE: join(folder, 'server.pem'),
    OPENFERO_TLS_KEY_FILE: join(folder, 'server.key'),
    OPENFERO_TLS_CLIENT_CA_FILE: join(folder, 'client-ca.pem'),
  });
  await untilReady(receiver.redis);
  const { port } = new URL(await receiver.app.listen({ host: '127.0.0.1', port: 0 }));
  const url = `https://127.0.0.1:${port}`;
  const client = { cert: read('client.pem'), key: read('client.key') };
  const stranger = { cert: read('stranger.pem'), key: read('stranger.key') };

  assert.equal(await status(`${url}/alerts`, client), 200);
  assert.equal(await status(`${url}/alerts`, stranger), 401);
  assert.equal(await status(`${url}/alerts`, {}), 401);
  assert.equal(await status(`${url}/docs`, {}), 401);
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    assert.equal(await status(`${url}${path}`, {}), 200, path);
  }
});

test('a client that does not finish its TLS handshake is not answered, and others are', async (t) => {
  makeCertificate('server-ca', 'patient');
  const receiver = await buildReceiver(t, redis.url, {
    OPENFERO_TLS_CERT_FILE: join(folder, 'patient.pem'),
    OPENFERO_TLS_KEY_FILE: join(folder, 'patient.key'),
  });
  const { port } = new URL(await receiver.app.listen({ host: '127.0.0.1', port: 0 }));
  const silent = connectTcp(Number(port), '127.0.0.1').setEncoding('utf8');
  let answer = '';
  silent.on('data', (text) => {
    answer += text;
  });

  assert.equal(await status(`https://127.0.0.1:${port}/healthz`, {}), 200);
  await once(silent, 'close', { signal: AbortSignal.timeout(10_000) });

  assert.equal(answer, '');
});

test('a renewed certificate is served without a restart, half a renewal does no harm', async (t) => {
  makeCertificate('server-ca', 'renewed');
  const [cert, key] = [join(folder, 'renewed.pem'), join(folder, 'renewed.key')];
  const env = { OPENFERO_TLS_CERT_FILE: cert, OPENFERO_TLS_KEY_FILE: key };
  const receiver = await buildReceiver(t, redis.url, env);
  const { port } = new URL(await receiver.app.listen({ host: '127.0.0.1', port: 0 }));
  const settings = readTlsSettings(env);
  assert.ok(settings);
  reloadTls(receiver.app.server, settings, createLogger('silent', 'test'), 10);
  const served = (): Promise<string> => fingerprintOf(Number(port));
  const first = await served();

  makeCertificate('server-ca', 'next');
  writeFileSync(cert, read('next.pem'));
  await new Promise((looked) => setTimeout(looked, 50));
  assert.equal(await served(), first);

  writeFileSync(key, read('next.key'));
  const expected = new X509Certificate(read('next.pem')).fingerprint256;
  for (let i = 0; i < 100 && (await served()) === first; i++);
  assert.equal(await served(), expected);
});

async function fingerprintOf(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}
