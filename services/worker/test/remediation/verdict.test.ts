import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClusterError } from '@openfero/cluster/cluster';
import { invalid } from '@openfero/core/operarius';
import { NewerPayload, UnreadablePayload } from '@openfero/core/redis/remediation';
import {
  backoff,
  Ended,
  LockLost,
  NotNow,
  Unconfirmed,
  verdictOn,
} from '../../src/remediation/verdict.ts';

const server = (status: number | undefined, reason: string, retryAfter?: number): ClusterError =>
  new ClusterError('what the server said', {
    reason,
    ...(status !== undefined && { status }),
    ...(retryAfter !== undefined && { retryAfter }),
  });

describe('an error means', () => {
  it('the end, for a person, where only the definition can be mended', () => {
    const failures: readonly (readonly [Error, string])[] = [
      [new UnreadablePayload('x'), 'unreadable'],
      [invalid('yaml', 'here', 'x'), 'invalid-operarius'],
      [new Ended('expired', 'x'), 'expired'],
      [server(400, 'BadRequest'), 'rejected'],
      [server(413, 'RequestEntityTooLarge'), 'rejected'],
      [server(422, 'Invalid'), 'rejected'],
    ];
    for (const [error, failure] of failures) {
      const then = verdictOn(error);
      assert.equal(then.kind === 'terminal' && then.failure, failure);
    }
  });

  it('the end, where a policy denies the Job', () => {
    const policy = `jobs.batch "x" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no`;
    const webhook = 'admission webhook "deny.example.com" denied the request: no';
    for (const [status, message] of [
      [403, policy],
      [403, webhook],
      [409, webhook],
    ] as const) {
      const then = verdictOn(
        new ClusterError(`${status} Forbidden: ${message}`, { status, reason: '' }),
      );
      assert.equal(then.kind === 'terminal' && then.failure, 'rejected');
    }
    const passing = [
      [429, webhook],
      [500, webhook],
      [403, 'jobs.batch "x" is forbidden: exceeded quota: q, requested: count/jobs.batch=1'],
      [
        403,
        `jobs.batch "x" is forbidden: unable to create new content in namespace n because it is being terminated`,
      ],
      [403, `jobs.batch "x" is forbidden: "${webhook}"`],
    ] as const;
    for (const [status, message] of passing) {
      const then = verdictOn(
        new ClusterError(`${status} Forbidden: ${message}`, { status, reason: '' }),
      );
      assert.equal(then.kind, 'retry', message);
    }
  });

  it('another attempt that names the Role, where the worker lacks a right', () => {
    const message =
      '403 Forbidden: jobs.batch is forbidden: User "u" cannot create resource "jobs" in API group "batch" in the namespace "n"';
    const then = verdictOn(new ClusterError(message, { status: 403, reason: 'Forbidden' }));
    assert.ok(then.kind === 'retry');
    assert.match(then.message, /: check the worker's Role and RoleBinding/);
  });

  it('another attempt, where the cluster may change: quota, RBAC, load, network, busy writes', () => {
    const quota = new ClusterError('403 Forbidden: exceeded quota: q', { status: 403, reason: '' });
    const passing = [
      [server(403, 'Forbidden'), 'forbidden'],
      [quota, 'quota'],
      [server(404, 'NotFound'), 'other'],
      [server(409, 'Conflict'), 'conflict'],
      [server(429, 'TooManyRequests'), 'throttled'],
      [server(500, 'InternalError'), 'server-error'],
      [server(503, 'ServiceUnavailable'), 'server-error'],
      [server(undefined, 'ECONNREFUSED'), 'unreachable'],
      [server(undefined, 'Timeout'), 'timeout'],
      [new Unconfirmed('Alertmanager is away'), 'alertmanager'],
      [new Error('anything else'), 'other'],
    ] as const;
    for (const [error, reason] of passing) {
      const then = verdictOn(error);
      assert.equal(then.kind === 'retry' && then.reason, reason, error.message);
    }
  });

  it('another attempt when the server asks for it', () => {
    const then = verdictOn(server(429, 'TooManyRequests', 7000));
    const message = 'what the server said';
    assert.deepEqual(then, { kind: 'retry', after: 7000, reason: 'throttled', message });
  });

  it('patience without an attempt, where nothing is wrong with the remediation', () => {
    assert.equal(verdictOn(new NotNow('no list yet')).kind, 'wait');
    assert.equal(verdictOn(new NewerPayload('version 2')).kind, 'wait');
  });

  it('silence, where another worker has the remediation', () => {
    assert.deepEqual(verdictOn(new LockLost()), { kind: 'lost' });
  });
});

describe('the wait before the next attempt', () => {
  it('doubles from half a second to half a minute, never less than half of that', () => {
    assert.deepEqual(
      [1, 2, 3, 7, 50, 1e9].map((attempt) => backoff(attempt, 1)),
      [500, 1000, 2000, 30_000, 30_000, 30_000],
    );
    assert.equal(backoff(3, 0), 1000);
  });
});
