import { isDeepStrictEqual } from 'node:util';
import type { Alert } from '@openfero/core/alert';
import type { OperariusRegistry } from '@openfero/core/decisions/registry';
import { codeOf } from '@openfero/core/errors';
import { encodeEntry } from '@openfero/core/history/encode';
import { targetOf } from '@openfero/core/identity/target';
import { type Operarius, operariusName } from '@openfero/core/operarius';
import { HELD_REASONS, type HeldReason, type Result } from '@openfero/core/outcome';
import {
  type Remediation,
  readRemediation,
  UnreadablePayload,
} from '@openfero/core/redis/remediation';
import { ErrorCode, type Job } from 'bullmq';
import type { Held } from '../redis/holding.ts';
import type { EpisodeMemory } from '../redis/memory.ts';
import type { Places } from '../redis/places.ts';
import type { AttemptResult, Delivery, Dependencies } from '../remediation/attempt.ts';
import { LockLost } from '../remediation/verdict.ts';
import { whyHeld } from '../remediation/why-held.ts';

/** Milliseconds. Another worker takes over from a killed one after lock and stalled check: within 15 s. */
export const LOCK_DURATION = 10_000;

/** Milliseconds for which a confirmed lock is trusted: the other half is left for the create. */
const LOCK_TRUST = 5_000;

export type RemediationJob = Job<unknown, Result>;

/**
 * Reads the payload, and ends the note that it is held: it is being tried now. A person's retry of a
 * failed remediation shows by its missing failure: its age restarts.
 *
 * @throws {NewerPayload}
 * @throws {UnreadablePayload}
 */
export async function readJob(
  job: RemediationJob,
  { memory, places }: { readonly memory: EpisodeMemory; readonly places: Places },
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
  await job.updateData(retried);
  return retried;
}

/** A retry counts once: what is held or stalls after it must not restart its age again and again. */
function isRetried(job: RemediationJob, { retriedAfter }: Remediation): boolean {
  const retried = job.attemptsMade > 0 && job.failedReason === undefined;
  return retried && job.attemptsMade !== retriedAfter;
}

/** The ConfigMap's name, unless its annotation names the alert. */
function expectedName({ labels, status }: Alert): string {
  return operariusName(labels['alertname'] ?? '', status);
}

/** What an attempt may do with its BullMQ job. */
export function createDelivery(
  job: RemediationJob,
  token: string,
  remediation: Remediation,
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
    entry: { key: `${job.queueQualifiedName}:${job.id}`, token },
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
    if (NOT_OURS.includes(codeOf(error))) return false;
    throw error;
  }
}

/**
 * Notes in a payload that is about to fail which ConfigMap it was for, where the alertname does not say
 * so: `openfero retry` selects by it, and knows no cluster.
 */
export async function noteOperarius(
  job: RemediationJob,
  registry: Pick<OperariusRegistry, 'nameFor'>,
): Promise<void> {
  const remediation = readOrUndefined(job.data);
  if (remediation === undefined) return;
  const operarius = registry.nameFor(remediation.alert);
  if (operarius === '' || operarius === expectedName(remediation.alert)) return;
  await job.updateData({ ...remediation, operarius });
}

function readOrUndefined(data: unknown): Remediation | undefined {
  try {
    return readRemediation(data);
  } catch {
    return undefined;
  }
}

/** A remediation that has just begun to wait. */
export interface HeldNow {
  readonly remediation: Remediation;
  /** The ConfigMap's name. */
  readonly operarius: string;
  readonly reason: HeldReason;
  /** The limit, and the Jobs that reached it. */
  readonly by: string;
}

/**
 * Stores why the remediation is held, and delays it.
 *
 * @returns what people should be told, unless it was held for this reason before
 */
export async function hold(
  job: RemediationJob,
  token: string,
  { reason, until, remediation }: AttemptResult & { kind: 'hold' },
  { delivery, deps }: { readonly delivery: Delivery; readonly deps: Dependencies },
): Promise<HeldNow | undefined> {
  const now = await deps.memory.now();
  const { held } = remediation;
  const { operarius } = deps.registry.find(remediation.alert);
  const name = operarius?.name ?? expectedName(remediation.alert);
  const isNew = held?.reason !== reason;
  const by =
    isNew && operarius !== undefined
      ? await whyHeld(reason, { operarius, alert: remediation.alert }, deps)
      : held?.by;
  const since = isNew ? now : held.since;
  const isNamed = name !== expectedName(remediation.alert);
  const why = {
    reason,
    since,
    ...(by !== undefined && { by }),
    ...(isNamed && { operarius: name }),
    ...waitsFor(reason, remediation.alert, operarius),
  };
  const changed = { ...remediation, held: why };
  if (!isDeepStrictEqual(changed, job.data)) await delivery.save(changed);
  const news = isNew && by !== undefined ? { remediation, operarius: name, reason, by } : undefined;
  // First: once it is delayed, another worker may end it, and say so.
  await appendHeld(news, { at: now, until }, { delivery, deps });
  const delayed = await putBack(job, token, Math.max(0, until - now));
  if (!delayed) return undefined;
  const recorded: Held = {
    reason,
    remediation: remediation.id,
    operarius: name,
    target: why.target,
  };
  await deps.places.hold(recorded, { since, until });
  return news;
}

/** The target that holds a remediation. */
function waitsFor(
  reason: HeldReason,
  alert: Alert,
  operarius: Operarius | undefined,
): { readonly target?: string } {
  const target = operarius && reason === 'target' ? targetOf(alert, operarius.policy) : undefined;
  return target === undefined ? {} : { target: target.digest };
}

async function appendHeld(
  news: HeldNow | undefined,
  times: { readonly at: number; readonly until: number },
  { delivery, deps }: { readonly delivery: Delivery; readonly deps: Dependencies },
): Promise<void> {
  if (news === undefined) return;
  const { remediation, ...held } = news;
  const { status, fingerprint, startsAt, labels } = remediation.alert;
  const alertname = labels['alertname'] ?? '';
  const subject = { id: remediation.id, alertname, status, fingerprint, startsAt };
  const entry = encodeEntry({ kind: 'held', ...subject, ...held, ...times });
  await deps.places.appendHeld(delivery.entry, entry);
}

/**
 * Delays a remediation that only a newer worker can read. As long as it waits, repeats of its alert must
 * not be absorbed by it: a worker of this version would never run them.
 *
 * @param delay milliseconds
 * @returns whether it is the first time
 */
export async function holdNewer(
  job: RemediationJob,
  token: string,
  delay: number,
  { memory, places }: Dependencies,
): Promise<boolean> {
  await job.removeDeduplicationKey();
  if (!(await putBack(job, token, delay))) return false;
  const held: Held = { reason: 'newer-payload', remediation: job.id ?? '', operarius: '' };
  const since = await memory.now();
  return places.hold(held, { since, until: since + delay });
}
