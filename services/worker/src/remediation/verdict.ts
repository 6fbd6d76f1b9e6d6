import { ClusterError } from '@openfero/cluster/cluster';
import { isRejection } from '@openfero/cluster/rejection';
import { messageOf } from '@openfero/core/errors';
import { InvalidOperarius } from '@openfero/core/operarius';
import type { Failure, RetryReason } from '@openfero/core/outcome';
import { NewerPayload, UnreadablePayload } from '@openfero/core/redis/remediation';
import { refusalOf } from '@openfero/service/redis-errors';

/** What an attempt that ended in an error means for its remediation. */
export type Verdict =
  /** It will not change by itself: into the failed set, for a person. */
  | { readonly kind: 'terminal'; readonly failure: Failure; readonly message: string }
  /** A problem of this remediation: tried again later, until its max-age is over. */
  | {
      readonly kind: 'retry';
      readonly after: number | undefined;
      readonly reason: RetryReason;
      readonly message: string;
    }
  /** Not a problem of this remediation: it waits, and no attempt is counted. */
  | { readonly kind: 'wait'; readonly after: number }
  /** Nor is this. But it may have created its Job by then: the attempt is counted. */
  | { readonly kind: 'refused'; readonly after: number; readonly message: string }
  /** Another worker has it now: record nothing. */
  | { readonly kind: 'lost' };

/** A failed end that was found without asking the API server. */
export class Ended extends Error {
  readonly failure: Failure;
  constructor(failure: Failure, message: string) {
    super(message);
    this.name = 'Ended';
    this.failure = failure;
  }
}

/** Another worker has BullMQ's lock, and finishes the remediation. */
export class LockLost extends Error {}

/** No Alertmanager can tell whether the alert still fires: without that nothing is run. */
export class Unconfirmed extends Error {}

/** The cluster's state is not known well enough to decide anything. */
export class NotNow extends Error {}

/** Milliseconds until a remediation that found the gate closed is tried again; up to twice as many. */
export const GATE_DELAY = 1_000;

/** The same for one that only a newer worker can read: thousands of them must not keep this one busy. */
const NEWER_DELAY = 10_000;

/** RBAC: the worker lacks a right. */
const NO_RIGHTS = /^403 \w*: .* is forbidden: User "/;

/**
 * Decides what an error means. The only place that does.
 *
 * Terminal is what only a change of the definition can fix: also a 403 by which a policy denies it.
 * Any other 403 is not: RBAC and quotas change without the definition (`exceeded quota`, a Role that
 * is being rolled out), so max-age decides.
 */
export function verdictOn(error: unknown): Verdict {
  if (error instanceof LockLost) return { kind: 'lost' };
  if (error instanceof NotNow) return { kind: 'wait', after: GATE_DELAY };
  if (error instanceof NewerPayload) return { kind: 'wait', after: NEWER_DELAY };
  return refused(error) ?? terminal(error) ?? retry(error);
}

/** Redis refuses every command of this kind. An unknown error may come from this remediation's data. */
function refused(error: unknown): Verdict | undefined {
  const refusal = refusalOf(error);
  if (refusal === undefined || refusal.kind === 'error') return undefined;
  return { kind: 'refused', after: GATE_DELAY, message: refusal.problem };
}

function terminal(error: unknown): Verdict | undefined {
  if (error instanceof Ended) {
    return { kind: 'terminal', failure: error.failure, message: error.message };
  }
  if (error instanceof UnreadablePayload) {
    return { kind: 'terminal', failure: 'unreadable', message: error.message };
  }
  if (error instanceof InvalidOperarius) {
    return { kind: 'terminal', failure: 'invalid-operarius', message: error.message };
  }
  if (error instanceof ClusterError && isRejection(error)) {
    return { kind: 'terminal', failure: 'rejected', message: error.message };
  }
  return undefined;
}

/** The message, and for want of rights where they are given. */
function messageFor(error: unknown): string {
  const message = messageOf(error);
  if (!(error instanceof ClusterError) || !NO_RIGHTS.test(message)) return message;
  return `${message}: check the worker's Role and RoleBinding (deploy/kubernetes/access.yaml)`;
}

function retry(error: unknown): Verdict {
  const asked = error instanceof ClusterError ? error.retryAfter : undefined;
  // BullMQ takes 0 as immediately, and an hour is beyond every max-age.
  const after =
    asked === undefined ? undefined : Math.min(LONGEST_BACKOFF, Math.max(FIRST_BACKOFF, asked));
  return { kind: 'retry', after, reason: retryReason(error), message: messageFor(error) };
}

function retryReason(error: unknown): RetryReason {
  if (error instanceof Unconfirmed) return 'alertmanager';
  if (!(error instanceof ClusterError)) return 'other';
  const { status, reason, message } = error;
  if (status === undefined) return reason === 'Timeout' ? 'timeout' : 'unreachable';
  if (status >= 500) return 'server-error';
  if (status === 403 && message.includes('exceeded quota')) return 'quota';
  return RETRY_REASON_OF.get(status) ?? 'other';
}

/** By HTTP status. */
const RETRY_REASON_OF: ReadonlyMap<number, RetryReason> = new Map([
  [401, 'forbidden'],
  [403, 'forbidden'],
  [409, 'conflict'],
  [429, 'throttled'],
]);

/** Milliseconds: the first wait and the longest, within which a recovered cluster is noticed. */
const FIRST_BACKOFF = 500;
const LONGEST_BACKOFF = 30_000;

/**
 * How long to wait before the next attempt: exponential, with jitter over the upper half, so that
 * remediations that failed together do not come back together.
 *
 * @param attempt 1 for the first retry
 * @param random in [0, 1)
 */
export function backoff(attempt: number, random: number): number {
  const ceiling = Math.min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** Math.min(attempt - 1, 20));
  return Math.round(ceiling * (0.5 + random / 2));
}
