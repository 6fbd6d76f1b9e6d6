import type { Alert } from '@openfero/core/alert';
import type { OperariusRegistry } from '@openfero/core/decisions/registry';
import { codeOf } from '@openfero/core/errors';
import { operariusName } from '@openfero/core/operarius';
import { HELD_REASONS, type Result } from '@openfero/core/outcome';
import {
  type Remediation,
  readRemediation,
  STORE_PAYLOAD,
  UnreadablePayload,
} from '@openfero/core/redis/remediation';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';
import { ErrorCode, type Job } from 'bullmq';
import { LOCK_DURATION, LOCK_TRUST } from '../redis/lock.ts';
import type { EpisodeMemory } from '../redis/memory.ts';
import type { Places } from '../redis/places.ts';
import type { QueueEntry } from '../redis/take-place.ts';
import type { Delivery } from '../remediation/attempt.ts';
import { LockLost } from '../remediation/verdict.ts';

export type RemediationJob = Job<unknown, Result>;

/** Stores a changed payload in the queue. @throws {LockLost} where the remediation is another attempt's */
export type StorePayload = (
  job: RemediationJob,
  token: string,
  changed: Remediation,
) => Promise<void>;

export function createStorePayload(redis: RedisConnection): StorePayload {
  const storeScript = script(redis, STORE_PAYLOAD);
  return async (job, token, changed) => {
    const { key } = entryOf(job, token);
    const stored = await storeScript([key, `${key}:lock`], [token, JSON.stringify(changed)]);
    if (stored !== 1) throw new LockLost();
    job.data = changed;
  };
}

const entryOf = (job: RemediationJob, token: string): QueueEntry => ({
  key: `${job.queueQualifiedName}:${job.id}`,
  token,
});

interface Reading {
  readonly memory: EpisodeMemory;
  readonly places: Places;
  readonly store: StorePayload;
}

/**
 * Reads the payload, and ends the note that it is held: it is being tried now. A person's retry of a
 * failed remediation shows by its missing failure: its age restarts.
 *
 * @throws {NewerPayload}
 * @throws {UnreadablePayload}
 * @throws {LockLost}
 */
export async function readJob(
  job: RemediationJob,
  token: string,
  { memory, places, store }: Reading,
): Promise<Remediation> {
  if (job.data === null) throw new UnreadablePayload('the payload is not JSON');
  const remediation = readRemediation(job.data);
  const reason = HELD_REASONS.find((each) => each === remediation.held?.reason);
  if (reason !== undefined) {
    const operarius = remediation.held?.operarius ?? expectedName(remediation.alert);
    const target = remediation.held?.target;
    await places.unhold({ reason, remediation: remediation.id, operarius, target });
  }
  if (!isRetried(job, remediation)) return remediation;
  const retriedAt = await memory.now();
  const retried = { ...remediation, retriedAt, retriedAfter: job.attemptsMade };
  await store(job, token, retried);
  return retried;
}

/** A retry counts once: what is held or stalls after it must not restart its age again and again. */
function isRetried(job: RemediationJob, { retriedAfter }: Remediation): boolean {
  const retried = job.attemptsMade > 0 && job.failedReason === undefined;
  return retried && job.attemptsMade !== retriedAfter;
}

/** The ConfigMap's name, unless its annotation names the alert. */
export function expectedName({ labels, status }: Alert): string {
  return operariusName(labels['alertname'] ?? '', status);
}

/** What an attempt may do with its BullMQ job. */
export function createDelivery(
  job: RemediationJob,
  token: string,
  remediation: Remediation,
  store: StorePayload,
): Delivery {
  let lock = lockTaken(job.processedOn ?? 0);
  const confirmLock = async (): Promise<void> => {
    if (lock.age() <= LOCK_TRUST) return;
    const asked = lockTaken(Date.now());
    if ((await job.extendLock(token, LOCK_DURATION)) !== 1) throw new LockLost();
    lock = asked;
  };
  return {
    remediation,
    entry: entryOf(job, token),
    again: job.attemptsMade > 0 || job.stalledCounter > 0,
    lastError: job.failedReason,
    confirmLock,
    save: (changed) => store(job, token, changed),
    async freeOccurrence() {
      await job.removeDeduplicationKey();
    },
  };
}

/**
 * The age of a lock in milliseconds, by two clocks: one can be set, the other stands still while its
 * machine does. Whichever says more counts, and one that was set back says nothing.
 *
 * @param at taken before Redis was asked for the lock: it is not older
 */
function lockTaken(at: number): { readonly age: () => number } {
  const early = Math.max(0, Date.now() - at);
  const since = performance.now() - early;
  return {
    age() {
      const age = Date.now() - at;
      return age < 0 ? Number.POSITIVE_INFINITY : Math.max(age, performance.now() - since);
    },
  };
}

/** BullMQ's codes for a job that is not, or no longer, this worker's. */
const NOT_OURS: readonly unknown[] = [
  ErrorCode.JobNotExist,
  ErrorCode.JobLockNotExist,
  ErrorCode.JobNotInState,
  ErrorCode.JobLockMismatch,
];

/** Whether BullMQ says so of a job. After a lost connection its own end may be the reason. */
export const isNotOurs = (error: unknown): boolean => NOT_OURS.includes(codeOf(error));

/**
 * Moves the job back to delayed without counting an attempt.
 *
 * @param delay milliseconds
 * @returns false where another worker has it now
 */
export async function putBack(job: RemediationJob, token: string, delay: number): Promise<boolean> {
  try {
    await job.moveToDelayed(Date.now() + delay, token);
    return true;
  } catch (error) {
    if (isNotOurs(error)) return false;
    throw error;
  }
}

/**
 * Notes in a payload that is about to fail which ConfigMap it was for, where the alertname does not say
 * so: `openfero retry` selects by it, and knows no cluster.
 *
 * @throws {LockLost}
 */
export async function noteOperarius(
  job: RemediationJob,
  token: string,
  {
    registry,
    store,
  }: { readonly registry: Pick<OperariusRegistry, 'nameFor'> } & Pick<Reading, 'store'>,
): Promise<void> {
  const remediation = readOrUndefined(job.data);
  if (remediation === undefined) return;
  const operarius = registry.nameFor(remediation.alert);
  if (operarius === '' || operarius === expectedName(remediation.alert)) return;
  await store(job, token, { ...remediation, operarius });
}

function readOrUndefined(data: unknown): Remediation | undefined {
  try {
    return readRemediation(data);
  } catch {
    return undefined;
  }
}
