import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidSetting } from '@openfero/service/settings';
import { readSettings } from '../src/settings.ts';

const REDIS = { REDIS_URL: 'redis://localhost' };
const BASIC = {
  OPENFERO_AUTH: 'basic',
  OPENFERO_AUTH_USER: 'ann',
  OPENFERO_AUTH_PASSWORD: 'secret',
};

test('listens on port 8082 of every address, without authentication', () => {
  const { host, port, auth } = readSettings(REDIS);
  assert.deepEqual({ host, port, auth }, { host: '0.0.0.0', port: 8082, auth: { kind: 'none' } });
});

test('is read-only where nobody logs in, unless told otherwise', () => {
  assert.equal(readSettings(REDIS).readOnly, true);
  assert.equal(readSettings({ ...REDIS, ...BASIC }).readOnly, false);
  assert.equal(
    readSettings({ ...REDIS, ...BASIC, OPENFERO_DASHBOARD_READ_ONLY: 'true' }).readOnly,
    true,
  );
});

for (const HOST of [
  undefined,
  '0.0.0.0',
  '::',
  '10.0.0.1',
  '127.evil.example',
  'dashboard',
  '128.0.0.1',
]) {
  test(`refuses changes without authentication on ${HOST ?? 'every address'}`, () => {
    const env = { ...REDIS, HOST, OPENFERO_DASHBOARD_READ_ONLY: 'false' };
    assert.throws(
      () => readSettings(env),
      (error) =>
        error instanceof InvalidSetting &&
        error.message.startsWith('OPENFERO_DASHBOARD_READ_ONLY: '),
    );
  });
}

for (const HOST of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) {
  test(`allows changes without authentication on ${HOST}`, () => {
    const env = { ...REDIS, HOST, OPENFERO_DASHBOARD_READ_ONLY: 'false' };
    assert.equal(readSettings(env).readOnly, false);
  });
}

test('refuses a value that is neither true nor false', () => {
  const env = { ...REDIS, OPENFERO_DASHBOARD_READ_ONLY: 'yes' };
  assert.throws(
    () => readSettings(env),
    /^Error: OPENFERO_DASHBOARD_READ_ONLY: "yes" is not valid/,
  );
});

test('refuses one port for the pages and for the metrics alone', () => {
  const env = { ...REDIS, PORT: '8082', OPENFERO_DASHBOARD_METRICS_PORT: '8082' };
  assert.throws(() => readSettings(env), /^Error: OPENFERO_DASHBOARD_METRICS_PORT: /);
});
