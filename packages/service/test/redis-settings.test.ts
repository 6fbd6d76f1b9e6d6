import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createAuthority, issueClientCertificate } from '@openfero/testkit/certificates';
import fc from 'fast-check';
import { readCommonSettings } from '../src/common-settings.ts';
import { type RedisSettings, readRedisSettings } from '../src/redis-settings.ts';
import { parseNodes } from '../src/redis-url.ts';
import { type Environment, InvalidSettings } from '../src/settings.ts';

let folder: string;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'openfero-redis-settings-'));
  writeFileSync(join(folder, 'secret'), 'hidden\n');
  await createAuthority(folder);
  for (const name of ['client', 'other']) await issueClientCertificate(folder, name, name, []);
});
after(() => rmSync(folder, { recursive: true }));

/** What is wrong with settings: the variables, each with its line. */
function wrongIn(env: Environment): readonly (readonly [name: string, line: string])[] {
  try {
    readRedisSettings(env);
    return [];
  } catch (error) {
    assert.ok(error instanceof InvalidSettings, String(error));
    return error.lines.map((line) => [line.slice(0, line.indexOf(':')), line]);
  }
}

const SENTINEL = { REDIS_SENTINELS: 'a', REDIS_SENTINEL_MASTER: 'mymaster' };

describe('each way to say where Redis is', () => {
  for (const [name, env, expected] of [
    [
      'a server',
      { REDIS_URL: 'redis://redis/3' },
      { topology: { kind: 'server', endpoint: { host: 'redis', port: 6379 }, database: 3 } },
    ],
    [
      'a server with TLS and credentials in its URL',
      { REDIS_URL: 'rediss://me:hidden@redis:6380', REDIS_TLS: 'true' },
      {
        topology: { kind: 'server', endpoint: { host: 'redis', port: 6380 }, database: 0 },
        ...{ username: 'me', password: 'hidden', tls: {} },
      },
    ],
    [
      'a unix socket',
      { REDIS_URL: 'unix:///run/redis.sock', REDIS_PASSWORD: 'hidden' },
      {
        topology: { kind: 'server', endpoint: { path: '/run/redis.sock' }, database: 0 },
        password: 'hidden',
      },
    ],
    [
      'Sentinel with credentials of its own, and TLS',
      {
        ...{ REDIS_SENTINELS: 'a, b:5,[::1]:6', REDIS_SENTINEL_MASTER: 'mymaster' },
        ...{ REDIS_SENTINEL_USERNAME: 's', REDIS_SENTINEL_PASSWORD: 'other', REDIS_TLS: 'true' },
        ...{ REDIS_USERNAME: 'me', REDIS_PASSWORD: 'hidden' },
      },
      {
        topology: {
          kind: 'sentinel',
          sentinels: [
            { host: 'a', port: 26_379 },
            { host: 'b', port: 5 },
            { host: '::1', port: 6 },
          ],
          ...{ master: 'mymaster', username: 's', password: 'other' },
        },
        ...{ username: 'me', password: 'hidden', tls: {} },
      },
    ],
    [
      'a Cluster',
      { REDIS_CLUSTER_NODES: 'a:7000,b', OPENFERO_QUEUE_PREFIX: 'x{team-a}y' },
      {
        topology: {
          kind: 'cluster',
          nodes: [
            { host: 'a', port: 7000 },
            { host: 'b', port: 6379 },
          ],
          hashTag: 'team-a',
        },
      },
    ],
  ] as const) {
    test(name, () => assert.deepEqual(readRedisSettings(env), expected));
  }
});

describe('settings that do not go together are refused, all of them in one start', () => {
  for (const [env, ...expected] of [
    [{}, /^REDIS_URL: is missing.*REDIS_SENTINELS.*REDIS_CLUSTER_NODES/],
    [{ REDIS_URL: 'redis://a', REDIS_CLUSTER_NODES: 'a' }, /^REDIS_CLUSTER_NODES: is set, and RE/],
    [{ ...SENTINEL, REDIS_CLUSTER_NODES: 'a' }, /^REDIS_CLUSTER_NODES: is set, and REDIS_SENT/],
    [{ REDIS_SENTINELS: 'a' }, /^REDIS_SENTINEL_MASTER: is missing/],
    [
      { REDIS_URL: 'redis://a', REDIS_SENTINEL_MASTER: 'm', REDIS_SENTINEL_USERNAME: 'u' },
      /^REDIS_SENTINEL_MASTER: has no effect without REDIS_SENTINELS/,
      /^REDIS_SENTINEL_USERNAME: has no effect/,
    ],
    [{ REDIS_URL: 'redis://a', REDIS_TLS: 'true' }, /^REDIS_TLS: is true, and REDIS_URL says/],
    [{ REDIS_URL: 'unix:///a', REDIS_TLS: 'true' }, /^REDIS_TLS: is true, and REDIS_URL says/],
    [{ REDIS_URL: 'rediss://a', REDIS_TLS: 'false' }, /^REDIS_TLS: is false, and REDIS_URL says/],
    [{ ...SENTINEL, REDIS_TLS: 'yes' }, /^REDIS_TLS: "yes" is not valid/],
    [
      { REDIS_URL: 'redis://a', REDIS_CA_FILE: '/ca', REDIS_CERT_FILE: '/c', REDIS_KEY_FILE: '/k' },
      ...[/^REDIS_CA_FILE: needs TLS/, /^REDIS_CERT_FILE: needs TLS/, /^REDIS_KEY_FILE: needs TLS/],
    ],
    [{ ...SENTINEL, REDIS_CA_FILE: '/ca' }, /^REDIS_CA_FILE: needs TLS: .*REDIS_TLS=true/],
    [{ REDIS_URL: 'rediss://a', REDIS_CERT_FILE: '/c' }, /^REDIS_KEY_FILE: is missing/],
    [{ REDIS_URL: 'rediss://a', REDIS_KEY_FILE: '/k' }, /^REDIS_CERT_FILE: is missing/],
    [
      { REDIS_URL: 'redis://u:hidden@a', REDIS_USERNAME: 'u', REDIS_PASSWORD: 'hidden' },
      /^REDIS_USERNAME: is set, and REDIS_URL contains a username/,
      /^REDIS_PASSWORD: is set, and REDIS_URL contains a password/,
    ],
    [
      { REDIS_CLUSTER_NODES: 'redis://:hidden@a', OPENFERO_QUEUE_PREFIX: 'openfero' },
      /^REDIS_CLUSTER_NODES: entry 1 is not host:port/,
      /^OPENFERO_QUEUE_PREFIX: needs a part in braces with REDIS_CLUSTER_NODES, as in \{openfero\}/,
    ],
    [{ REDIS_CLUSTER_NODES: 'a', OPENFERO_QUEUE_PREFIX: '{}{a}' }, /^OPENFERO_QUEUE_PREFIX: needs/],
  ] as const) {
    test(JSON.stringify(env), () => {
      const lines = wrongIn(env).map(([, line]) => line);
      assert.equal(lines.length, expected.length, lines.join('\n'));
      for (const [index, pattern] of expected.entries()) assert.match(lines[index] ?? '', pattern);
      assert.doesNotMatch(lines.join('\n'), /hidden/);
    });
  }

  test('files that are not what they should be', () => {
    const file = (name: string): string => join(folder, name);
    const env = {
      ...{ REDIS_URL: 'rediss://a', REDIS_CA_FILE: file('secret') },
      ...{ REDIS_CERT_FILE: file('client.crt'), REDIS_KEY_FILE: file('other.key') },
    };
    assert.deepEqual(
      wrongIn(env).map(([name]) => name),
      ['REDIS_CA_FILE', 'REDIS_KEY_FILE'],
    );
    const right = { REDIS_CA_FILE: file('ca.crt'), REDIS_KEY_FILE: file('client.key') };
    const { tls } = readRedisSettings({ ...env, ...right });
    assert.match(`${tls?.ca}${tls?.cert}${tls?.key}`, /CERTIFICATE.*CERTIFICATE.*PRIVATE KEY/s);
  });
});

test('without a Cluster a prefix needs no braces, and a wrong one is told once', () => {
  const env = { REDIS_URL: 'redis://redis', OPENFERO_QUEUE_PREFIX: 'team' };
  assert.equal(readCommonSettings(env, 0).prefix, 'team');
  const wrong = { REDIS_CLUSTER_NODES: 'a', OPENFERO_QUEUE_PREFIX: 'a b' };
  assert.throws(
    () => readCommonSettings(wrong, 0),
    ({ message }) => /^OPENFERO_QUEUE_PREFIX: may contain.*$/.test(message),
  );
});

const HOST = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.ipV6().filter((text) => /^[0-9a-f:.]+$/i.test(text)),
);
const NODES = fc.array(
  fc.record({ host: HOST, port: fc.integer({ min: 1, max: 65_535 }) }, { noNullPrototype: true }),
  {
    minLength: 1,
    maxLength: 5,
  },
);

test('whatever nodes are listed are read back', () => {
  fc.assert(
    fc.property(NODES, fc.constantFrom(',', ', ', ' , '), (nodes, separator) => {
      const text = nodes
        .map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
        .join(separator);
      assert.deepEqual(parseNodes(text, 1), nodes);
    }),
  );
});

/** Of each variable: unset, right, wrong, and nonsense. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  REDIS_URL: ['redis://redis', 'rediss://me:hidden@redis', 'unix:///run/r', 'redis:hidden'],
  REDIS_SENTINELS: ['a:1,b', 'redis://:hidden@a'],
  REDIS_SENTINEL_MASTER: ['mymaster'],
  REDIS_SENTINEL_USERNAME: ['me'],
  REDIS_SENTINEL_PASSWORD: ['hidden'],
  REDIS_SENTINEL_PASSWORD_FILE: ['SECRET', '/nowhere'],
  REDIS_CLUSTER_NODES: ['a:7000', 'hidden@a,,'],
  REDIS_USERNAME: ['me'],
  REDIS_PASSWORD: ['hidden'],
  REDIS_PASSWORD_FILE: ['SECRET', '/nowhere'],
  REDIS_TLS: ['true', 'false', 'maybe'],
  REDIS_CA_FILE: ['CA', '/nowhere'],
  REDIS_CERT_FILE: ['CERT', '/nowhere'],
  REDIS_KEY_FILE: ['KEY', '/nowhere'],
  OPENFERO_QUEUE_PREFIX: ['team', '{team}', 'a b'],
};
const FILES = { SECRET: 'secret', CA: 'ca.crt', CERT: 'client.crt', KEY: 'client.key' } as const;

const path = (value: string): string => {
  const [, file] = Object.entries(FILES).find(([short]) => short === value) ?? [];
  return file === undefined ? value : join(folder, file);
};

const ENVIRONMENT: fc.Arbitrary<Readonly<Record<string, string>>> = fc.record(
  Object.fromEntries(
    Object.entries(VALUES).map(([name, values]) => [
      name,
      fc.constantFrom('', ...values).map(path),
    ]),
  ),
);

const WAY_OF: Readonly<Record<RedisSettings['topology']['kind'], string>> = {
  server: 'REDIS_URL',
  sentinel: 'REDIS_SENTINELS',
  cluster: 'REDIS_CLUSTER_NODES',
};

test('any settings are either used whole, or refused by the names of variables and without a secret', () => {
  fc.assert(
    fc.property(ENVIRONMENT, (env) => {
      const wrong = wrongIn(env);
      for (const [name, line] of wrong) {
        assert.ok(Object.hasOwn(VALUES, name), line);
        assert.doesNotMatch(line, /hidden|\n/);
      }
      const ways = Object.values(WAY_OF).filter((name) => env[name]);
      if (ways.length !== 1) assert.ok(wrong.length > 0);
      if (wrong.length === 0) hasAllEffect(env);
    }),
    { numRuns: 5000 },
  );
});

function hasAllEffect(env: Environment): void {
  const { topology, password, tls } = readRedisSettings(env);
  assert.ok(env[WAY_OF[topology.kind]]);
  assert.equal(tls?.ca !== undefined, Boolean(env['REDIS_CA_FILE']));
  assert.equal(tls?.key !== undefined, Boolean(env['REDIS_CERT_FILE']));
  if (env['REDIS_PASSWORD'] || env['REDIS_PASSWORD_FILE']) assert.equal(password, 'hidden');
  if (env['REDIS_TLS'] === 'true') assert.ok(tls);
  if (topology.kind === 'sentinel') {
    assert.equal(topology.master, env['REDIS_SENTINEL_MASTER']);
    assert.equal(topology.username, env['REDIS_SENTINEL_USERNAME'] || undefined);
  }
}
