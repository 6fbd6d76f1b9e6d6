import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Service, startService } from '@openfero/testkit/process';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { alert, notification } from './receiver.ts';

const SERVER = fileURLToPath(new URL('../src/server.ts', import.meta.url));

let redis: TestRedis;
let folder: string;
before(async () => {
  redis = await startRedis();
  folder = mkdtempSync(join(tmpdir(), 'openfero-settings-'));
  writeFileSync(join(folder, 'token'), 'secret\n');
});
after(async () => {
  rmSync(folder, { recursive: true });
  await redis.stop();
});

const start = (env: Record<string, string> = {}): Promise<Service> =>
  startService(SERVER, { REDIS_URL: redis.url, HOST: '127.0.0.1', PORT: '0', ...env });

const WRONG: readonly (readonly [name: string, env: Record<string, string>])[] = [
  ['REDIS_URL', { REDIS_URL: '' }],
  ['REDIS_URL', { REDIS_URL: 'http://:secret@redis' }],
  ['REDIS_CA_FILE', { REDIS_URL: 'rediss://redis', REDIS_CA_FILE: '/nowhere' }],
  ['PORT', { PORT: '80a' }],
  ['PORT', { PORT: '65536' }],
  ['LOG_LEVEL', { LOG_LEVEL: 'loud' }],
  ['OPENFERO_QUEUE_PREFIX', { OPENFERO_QUEUE_PREFIX: 'a b' }],
  ['OPENFERO_BODY_LIMIT', { OPENFERO_BODY_LIMIT: '3MB' }],
  ['OPENFERO_MAX_WAITING', { OPENFERO_MAX_WAITING: '-1' }],
  ['OPENFERO_AUTH', { OPENFERO_AUTH: 'digest' }],
  ['OPENFERO_AUTH', { OPENFERO_AUTH_TOKEN: 'secret' }],
  ['OPENFERO_AUTH_TOKEN', { OPENFERO_AUTH: 'bearer' }],
  ['OPENFERO_AUTH_TOKEN_FILE', { OPENFERO_AUTH: 'bearer', OPENFERO_AUTH_TOKEN_FILE: '/nowhere' }],
  ['OPENFERO_AUTH_PASSWORD', { OPENFERO_AUTH: 'basic', OPENFERO_AUTH_USER: 'user' }],
  ['OPENFERO_TLS_KEY_FILE', { OPENFERO_TLS_CERT_FILE: '/cert' }],
  ['OPENFERO_TLS_CERT_FILE', { OPENFERO_TLS_KEY_FILE: '/key' }],
  ['OPENFERO_TLS_CLIENT_CA_FILE', { OPENFERO_TLS_CLIENT_CA_FILE: '/ca' }],
];

for (const [name, env] of WRONG) {
  test(`${JSON.stringify(env)} ends the start with one line naming ${name}`, async () => {
    const service = await start(env);

    assert.equal((await service.exited).code, 1);
    assert.equal(service.stderr.length, 1, service.stderr.join('\n'));
    assert.match(String(service.stderr[0]), new RegExp(`^${name}: \\S+ \\S+`));
    assert.doesNotMatch(String(service.stderr[0]), /secret/);
    assert.equal(service.lines.length, 0);
  });
}

test('it logs one line per notification, with counts and never its body', async (t) => {
  const service = await start({
    OPENFERO_AUTH: 'bearer',
    OPENFERO_AUTH_TOKEN_FILE: join(folder, 'token'),
  });
  t.after(() => service.stop());
  await service.ready();
  const headers = { 'content-type': 'application/json', authorization: 'Bearer secret' };
  const body = { ...notification(alert('A'), {}), groupKey: `line\nbreak ${'x'.repeat(500)}` };

  const answer = await fetch(`${await service.url()}/alerts`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });

  assert.equal(answer.status, 200);
  const line = await service.waitForLine(({ msg }) => msg === 'notification');
  assert.deepEqual([line['queued'], line['absorbed'], line['rejected']], [1, 0, 1]);
  assert.deepEqual(line['remediations'], Object(await answer.json())['remediations']);
  assert.equal(String(line['groupKey']).length, 200);
  assert.equal((await service.stop()).code, 0);
  assert.ok(!JSON.stringify(service.lines).includes('secret'));
  assert.equal(service.lines.filter(({ msg }) => msg === 'notification').length, 1);
});

test('a variable that looks like ours and is none is warned of, a service link is not', async (t) => {
  const service = await start({
    OPENFERO_MAX_WAITNG: '5',
    OPENFERO_RECEIVER_SERVICE_HOST: '10.0.0.1',
    OPENFERO_RECEIVER_PORT_8080_TCP_ADDR: '10.0.0.1',
  });
  t.after(() => service.stop());
  await service.ready();
  const warned = service.lines.filter((line) => 'variable' in line).map((line) => line['variable']);
  assert.deepEqual(warned, ['OPENFERO_MAX_WAITNG']);
});

test('it stops on SIGTERM with 0, also while Redis is away', async () => {
  const service = await start({ REDIS_URL: 'redis://127.0.0.1:1' });
  await service.waitForLine(({ msg }) => msg === 'listening');
  await service.waitForLine(({ msg }) => msg.startsWith('Redis is not reachable'));

  assert.deepEqual(await service.stop(), { code: 0, signal: null });
});
