import { codeOf } from '@openfero/core/errors';
import { operariusName } from '@openfero/core/operarius';
import { HELD_REASONS, type HeldReason, type Result } from '@openfero/core/outcome';
import {
  type Remediation,
  readRemediation,
  UnreadablePayload,
} from '@openfero/core/redis/remediation';
import { ErrorCode, type Job } from 'bullmq';
import type { Memories } from '../redis/memory.ts';
import type { Held, Places } from '../redis/places.ts';
import type { Delivery } from '../remediation/attempt.ts';
import { LockLost } from '../remediation/verdict.ts';

/** Milliseconds. A killed worker's remediations are another's after lock and check: within 15 s. */
export const LOCK_DURATION = 10_000;

/** Milliseconds for which a confirmed lock is trusted: half of it is left for the create. */
const LOCK_TRUST = 5_000;

export type RemediationJob = Job<unknown, Result>;

/**
 * Reads the payload, and forgets that it was held: it is looked at now. A person's retry of a failed
 * remediation shows by its missing failure: from there on its age counts anew.
 *
 * @throws {NewerPayload}
 * @throws {UnreadablePayload}
 */
export async function readJob(
  job: RemediationJob,
  { memories, places }: { readonly memories: Memories; readonly places: Places },
): Promise<Remediation> {
  if (job.data === null) throw new UnreadablePayload('the payload is no JSON');
  const remediation = readRemediation(job.data);
  const reason = HELD_REASONS.find((each) => each === remediation.held?.reason);
  if (reason !== undefined) await places.unhold(heldOf(remediation, reason));
  if (!isRetriedAnew(job, remediation)) return remediation;
  const retriedAt = await memories.now();
  const retried = { ...remediation, retriedAt, retriedAfter: job.attemptsMade };
  await job.updateData(retried);
  return retried;
}

/** A retry is noted once: what is held after it, or stalls, must not grow young again and again. */
function isRetriedAnew(job: RemediationJob, { retriedAfter }: Remediation): boolean {
  const retried = job.attemptsMade > 0 && job.failedReason === undefined;
  return retried && job.attemptsMade !== retriedAfter;
}

export function heldOf({ id, alert }: Remediation, reason: HeldReason): Held {
  const operarius = operariusName(alert.labels['alertname'] ?? '', alert.status);
  return { reason, remediation: id, operarius };
}

/** What an attempt may do with the BullMQ job that it is about. */
export function deliveryOf(job: RemediationJob, token: string, remediation: Remediation): Delivery {
  // Taken before BullMQ asked Redis for the job: the lock is not older.
  let confirmedAt = job.processedOn ?? 0;
  const confirmLock = async (): Promise<void> => {
    const now = Date.now();
    // A clock that was set back proves nothing either.
    if (now >= confirmedAt && now - confirmedAt <= LOCK_TRUST) return;
    if ((await job.extendLock(token, LOCK_DURATION)) !== 1) throw new LockLost();
    confirmedAt = now;
  };
  return {
    remediation,
    again: job.attemptsMade > 0 || job.stalledCounter > 0,
    lastError: job.failedReason,
    confirmLock,
    async save(changed) {
      await confirmLock();
      await job.updateData(changed);
    },
    async freeOccurrence() {
      await job.removeDeduplicationKey();
    },
  };
}

/** What BullMQ says where the job is not, or not any more, this worker's. */
const NOT_OURS: readonly unknown[] = [
  ErrorCode.JobNotExist,
  ErrorCode.JobLockNotExist,
  ErrorCode.JobNotInState,
  ErrorCode.JobLockMismatch,
];

/**
 * Puts it back to delayed without counting an attempt.
 *
 * @param delay milliseconds
 * @returns false where another worker has it now, and will
 */
export async function putBack(job: RemediationJob, token: string, delay: number): Promise<boolean> {
  try {
    await job.moveToDelayed(Date.now() + delay, token);
    return true;
  } catch (error) {
    if (NOT_OURS.includes(codeOf(error))) return false;
    throw error;
  }
}
