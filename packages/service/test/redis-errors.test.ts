import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  connectionFailureOf,
  redisFailureOf,
  refusalOf,
  sentinelFailureOf,
} from '../src/redis-errors.ts';

/** As ioredis has it: a reply, and the command that it answers. */
class ReplyError extends Error {
  override readonly name = 'ReplyError';
  readonly command: { readonly name: string; readonly args: readonly unknown[] };
  constructor(message: string, name = 'evalsha', ...args: readonly unknown[]) {
    super(message);
    this.command = { name, args };
  }
}

for (const [message, kind, check] of [
  [
    'NOAUTH HELLO must be called with the client already authenticated',
    'wrong-credentials',
    'REDIS_PASSWORD',
  ],
  [
    'WRONGPASS invalid username-password pair or user is disabled.',
    'wrong-credentials',
    'REDIS_PASSWORD',
  ],
  ['ERR invalid password', 'wrong-credentials', 'REDIS_PASSWORD'],
  [
    "NOPERM this user has no permissions to run the 'evalsha' command",
    'not-permitted',
    'REDIS_USERNAME',
  ],
  [
    "ERR The user executing the script can't run this command or subcommand script: x",
    'not-permitted',
    'REDIS_USERNAME',
  ],
  ['MOVED 866 10.0.0.2:6379', 'other-node', 'REDIS_URL'],
  ['ASK 866 10.0.0.2:6379', 'other-node', 'REDIS_URL'],
  ['CLUSTERDOWN Hash slot not served', 'cluster-down', 'CLUSTER INFO'],
  [
    "CROSSSLOT Keys in request don't hash to the same slot",
    'several-slots',
    'OPENFERO_QUEUE_PREFIX',
  ],
  [
    "READONLY You can't write against a read only replica. script: 0a, on @user_script:1.",
    'read-only',
    'REDIS_URL',
  ],
  [
    'ERR Error running script (call to f_0a): @user_script:1: -READONLY You cannot write',
    'read-only',
    'REDIS_URL',
  ],
  ['MISCONF Redis is configured to save RDB snapshots, but', 'cannot-save', 'disk'],
  ['NOREPLICAS Not enough good replicas to write.', 'too-few-replicas', 'min-replicas-to-write'],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'out-of-memory', 'maxmemory'],
  ['LOADING Redis is loading the dataset in memory', 'busy', 'log'],
  ['ERR max number of clients reached', 'too-many-clients', 'maxclients'],
  ['DENIED Redis is running in protected mode', 'protected', 'REDIS_PASSWORD'],
  ['ERR something new', 'error', 'log'],
] as const) {
  test(`${message}: ${kind}, with these words, and ${check} to check`, () => {
    const failure = refusalOf(new ReplyError(message));
    assert.equal(failure?.kind, kind);
    const { problem = '' } = failure ?? {};
    assert.ok(problem.includes(`(${message.replace(/\.$/, '')}): `), problem);
    assert.ok(problem.slice(problem.lastIndexOf('): ')).includes(check), problem);
  });
}

test('a SELECT that is refused for whatever reason names the database and REDIS_URL', () => {
  for (const message of ['ERR DB index is out of range', 'NOPERM no permissions', 'ERR unknown']) {
    const failure = refusalOf(new ReplyError(message, 'select', 99));
    assert.equal(failure?.kind, 'wrong-database');
    assert.match(failure?.problem ?? '', /database 99, which REDIS_URL names/);
  }
  assert.equal(refusalOf(new ReplyError('NOAUTH x', 'select', 99))?.kind, 'wrong-credentials');
});

test('in a transaction, the reply to one of its commands is the reason', () => {
  const previousErrors = [new ReplyError('READONLY You cannot write')];
  const error = Object.assign(new ReplyError('EXECABORT Transaction discarded'), {
    previousErrors,
  });
  assert.equal(refusalOf(error)?.kind, 'read-only');
});

test('the password in the quoted arguments of an unknown command is left out', () => {
  const error = new ReplyError("ERR unknown command 'AUTH', with args beginning with: 'secret' ");
  assert.match(refusalOf(error)?.problem ?? '', /unknown command 'AUTH'\):/);
});

test('an error of anything else is none of Redis, whatever its text', () => {
  const error = new Error('READONLY NOPERM OOM');
  assert.equal(refusalOf(error), undefined);
  assert.equal(redisFailureOf(error), undefined);
});

test('a broken connection is told with the words of the system, or of TLS and its setting', () => {
  const errorOf = (code: string, message = 'words'): Error =>
    Object.assign(new Error(message), { code });
  for (const [error, expected] of [
    [
      errorOf('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'),
      /^Redis is not reachable \(connect.*REDIS_URL/,
    ],
    [errorOf('ECONNREFUSED', ''), /^Redis is not reachable \(ECONNREFUSED\)/],
    [errorOf('ENOTFOUND'), /^Redis is not reachable \(words\)/],
    [errorOf('SELF_SIGNED_CERT_IN_CHAIN'), /not trusted \(words\).*REDIS_CA_FILE/],
    [errorOf('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), /not trusted \(words\).*REDIS_CA_FILE/],
    [errorOf('ERR_TLS_CERT_ALTNAME_INVALID'), /another host \(words\).*REDIS_URL/],
    [errorOf('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), /client certificate.*REDIS_CERT_FILE/],
    [errorOf('CERT_HAS_EXPIRED'), /not valid now \(words\)/],
    [errorOf('ERR_SSL_WRONG_VERSION_NUMBER'), /not use TLS.*REDIS_URL/],
    [new ReplyError('WRONGPASS x'), /REDIS_PASSWORD/],
  ] as const) {
    assert.match(connectionFailureOf(error).problem, expected);
  }
});

for (const [why, kind, check] of [
  ['because connect ECONNREFUSED 10.0.0.2:26379', 'no-sentinel', 'REDIS_SENTINELS'],
  ['because ERR No such master with that name', 'unknown-master', 'REDIS_SENTINEL_MASTER'],
  ['successfully, but got an invalid reply: null', 'unknown-master', 'REDIS_SENTINEL_MASTER'],
  ['because WRONGPASS invalid', 'sentinel-credentials', 'REDIS_SENTINEL_PASSWORD'],
  ['because NOAUTH HELLO must', 'sentinel-credentials', 'REDIS_SENTINEL_PASSWORD'],
] as const) {
  test(`a sentinel that names no master ${why}: ${kind}, and ${check} to check`, () => {
    const failure = sentinelFailureOf(new Error(`failed to connect to sentinel a:1 ${why}`));
    assert.equal(failure.kind, kind);
    assert.ok(failure.problem.includes(check), failure.problem);
  });
}

test('of a cluster whose nodes all failed, the last one tells why', () => {
  const lastNodeError = new ReplyError('WRONGPASS x');
  const error = Object.assign(new Error('Failed to refresh slots cache.'), { lastNodeError });
  assert.equal(connectionFailureOf(error).kind, 'wrong-credentials');
});

test('a command that no node of a cluster took is told with the state of the cluster', () => {
  const last =
    'Too many Cluster redirections. Last error: ReplyError: CLUSTERDOWN The cluster is down';
  assert.equal(redisFailureOf(new Error(last))?.kind, 'cluster-down');
  const closed = 'Too many Cluster redirections. Last error: Error: Connection is closed.';
  assert.equal(redisFailureOf(new Error(closed))?.kind, 'disconnected');
});
