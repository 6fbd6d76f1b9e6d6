import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SETTING_NAMES } from '@openfero/core/setting-names';
import { readCommonSettings } from '../src/common-settings.ts';
import {
  boolean,
  InvalidSetting,
  integer,
  oneOf,
  required,
  secret,
  size,
  text,
  unknownSettings,
} from '../src/settings.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'openfero-settings-'));
});
after(() => rmSync(folder, { recursive: true }));

const invalid = (pattern: RegExp) => (error: unknown) =>
  error instanceof InvalidSetting && pattern.test(error.message) && !error.message.includes('\n');

test('an empty variable counts as unset', () => {
  assert.equal(text({ NAME: '' }, 'NAME'), undefined);
  assert.equal(integer({ NAME: '' }, 'NAME', { fallback: 3, min: 0, max: 9 }), 3);
  assert.throws(() => required({ NAME: '' }, 'NAME'), invalid(/^NAME: is missing/));
});

for (const value of ['-1', '1.5', '1e3', '0x10', ' 5', '10', 'NaN', '9'.repeat(30)]) {
  test(`${JSON.stringify(value)} is not a whole number from 0 to 9`, () => {
    const read = () => integer({ NAME: value }, 'NAME', { fallback: 0, min: 0, max: 9 });
    assert.throws(read, invalid(/^NAME: ".* from 0 to 9$/));
  });
}

test('a boolean is true or false and nothing else', () => {
  assert.equal(boolean({ NAME: 'true' }, 'NAME', false), true);
  assert.equal(boolean({ NAME: 'false' }, 'NAME', true), false);
  assert.equal(boolean({}, 'NAME', true), true);
  assert.throws(() => boolean({ NAME: 'yes' }, 'NAME', true), invalid(/^NAME: "yes".*true, false/));
});

test('one of a list is named with the list', () => {
  assert.throws(() => oneOf({ NAME: 'c' }, 'NAME', ['a', 'b'], 'a'), invalid(/use a, b$/));
});

test('a size is read in bytes, KiB, MiB and GiB', () => {
  assert.equal(size({}, 'NAME', '3MiB'), 3 * 1024 ** 2);
  assert.equal(size({ NAME: '512KiB' }, 'NAME', '1'), 512 * 1024);
  assert.equal(size({ NAME: '100' }, 'NAME', '1'), 100);
  for (const value of ['0', '3MB', '-1', '1.5MiB', 'MiB']) {
    assert.throws(() => size({ NAME: value }, 'NAME', '1'), invalid(/^NAME: /), value);
  }
});

test('a secret is read from its file, without the newline at its end', () => {
  const path = join(folder, 'secret');
  writeFileSync(path, 'two\nlines\n');
  assert.equal(secret({ NAME_FILE: path }, 'NAME'), 'two\nlines');
  assert.equal(secret({ NAME: 'direct' }, 'NAME'), 'direct');
});

test('a secret that is set twice, empty or unreadable is refused without its value', () => {
  const empty = join(folder, 'empty');
  writeFileSync(empty, '\n');
  const both = () => secret({ NAME: 'hidden', NAME_FILE: empty }, 'NAME');
  assert.throws(both, invalid(/^NAME: is set, and NAME_FILE too(?!.*hidden)/));
  assert.throws(() => secret({ NAME_FILE: empty }, 'NAME'), invalid(/^NAME_FILE: .* is empty$/));
  const unreadable = () => secret({ NAME_FILE: join(folder, 'none') }, 'NAME');
  assert.throws(unreadable, invalid(/^NAME_FILE: cannot read .*ENOENT/));
});

test('the defaults of all services', () => {
  assert.deepEqual(readCommonSettings({ REDIS_URL: 'redis://redis' }, 8080), {
    redis: {
      topology: { kind: 'server', endpoint: { host: 'redis', port: 6379 }, database: 0 },
    },
    prefix: '{openfero}',
    logLevel: 'info',
    host: '0.0.0.0',
    port: 8080,
  });
});

test('unknown OPENFERO_ variables are found, those of any service and of Kubernetes are not among them', () => {
  const env = {
    OPENFERO_MAX_WAITNG: '1',
    OPENFERO_COOLDOWN: '1m',
    OPENFERO_AUTH_TOKEN_FILE: '/token',
    OPENFERO_RECEIVER_SERVICE_HOST: '10.0.0.1',
    OPENFERO_RECEIVER_SERVICE_PORT_HTTP: '8080',
    OPENFERO_RECEIVER_PORT: 'tcp://10.0.0.1:8080',
    OPENFERO_RECEIVER_PORT_8080_TCP_PROTO: 'tcp',
    PATH: '/bin',
  };
  assert.deepEqual(unknownSettings(env, SETTING_NAMES), ['OPENFERO_MAX_WAITNG']);
});
