import { setTimeout } from 'node:timers/promises';
import type { Result } from '@openfero/core/outcome';
import {
  QUEUE,
  type Remediation,
  readRemediation,
  UnreadablePayload,
} from '@openfero/core/redis/remediation';
import type { Logger } from '@openfero/service/log';
import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Delivery, Dependencies, Step } from './attempt.ts';
import type { Gate } from './gate.ts';
import { remediate } from './remediate.ts';
import { backoff, LockLost, type Verdict, verdict } from './verdict.ts';

/** Milliseconds. A killed worker's remediations are another's after lock and check: within 15 s. */
const LOCK_DURATION = 10_000;
const STALLED_INTERVAL = 5_000;

/** Milliseconds for which a confirmed lock is trusted: half of it is left for the create. */
const LOCK_TRUST = 5_000;

/** Milliseconds after which a remediation that came to a closed gate tries again. */
const GATE_DELAY = 1_000;

/** The end of a remediation for a person to look at, as BullMQ's failed set shows it. */
export class FailedRemediation extends UnrecoverableError {
  readonly verdict: Verdict & { kind: 'terminal' };
  constructor(terminal: Verdict & { kind: 'terminal' }) {
    super(`${terminal.failure}: ${terminal.message}`);
    this.verdict = terminal;
  }
}

/** Tells BullMQ's backoff how long; its message is what the dashboard shows meanwhile. */
class RetryLater extends Error {
  readonly after: number | undefined;
  constructor(message: string, after: number | undefined) {
    super(message);
    this.after = after;
  }
}

type RemediationJob = Job<unknown, Result>;

export interface ConsumeOptions {
  readonly redis: Redis;
  readonly log: Logger;
  readonly gate: Gate;
  readonly deps: Dependencies;
  /** Called at the start and the end of every attempt: what shows that consuming makes progress. */
  readonly onProgress: () => void;
}

/** BullMQ's worker over the queue, not yet running. It knows attempts and delays; what to do is remediate's. */
export function consumer(options: ConsumeOptions): Worker<unknown, Result> {
  const { redis, deps, log } = options;
  const worker = new TolerantWorker(QUEUE, (job, token) => attempt(job, token ?? '', options), {
    connection: redis,
    prefix: deps.settings.prefix,
    autorun: false,
    concurrency: deps.settings.concurrency,
    lockDuration: LOCK_DURATION,
    stalledInterval: STALLED_INTERVAL,
    // A worker may be killed as often as it likes: max-age decides when to give up.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    skipVersionCheck: true,
    settings: { backoffStrategy: delayOf },
  });
  worker.on('error', (error) => log.warn({ err: error }, 'BullMQ: going on'));
  return worker;
}

/** Milliseconds for the remediations in hand to end; what is left another worker takes up. */
const STOP_LIMIT = 10_000;

/** Stops consuming: BullMQ's close() alone waits for ever for what is in hand. */
export async function stopConsuming(worker: Worker): Promise<void> {
  const limit = new AbortController();
  await Promise.race([worker.close(), setTimeout(STOP_LIMIT, undefined, limit)]);
  limit.abort();
}

/** Data that is no JSON would be taken, and thrown over, for ever: it has to reach the processor. */
class TolerantWorker extends Worker<unknown, Result> {
  protected override createJob(
    ...[json, id]: Parameters<Worker<unknown, Result>['createJob']>
  ): RemediationJob {
    try {
      return super.createJob(json, id);
    } catch {
      return super.createJob({ ...json, data: 'null' }, id);
    }
  }
}

function delayOf(attemptsMade: number, _type?: string, error?: Error): number {
  const after = error instanceof RetryLater ? error.after : undefined;
  return after ?? backoff(attemptsMade, Math.random());
}

/** One attempt: what it throws tells BullMQ where the job goes. */
async function attempt(
  job: RemediationJob,
  token: string,
  { gate, deps, onProgress, log }: ConsumeOptions,
): Promise<Result> {
  onProgress();
  try {
    const closed = gate.closed();
    if (closed !== undefined) return await putBack(job, token, GATE_DELAY);
    const remediation = await readJob(job, deps);
    const step = await remediate(delivery(job, token, remediation), deps);
    if (step.kind === 'end') return step.result;
    return await hold(job, token, step, deps);
  } catch (error) {
    if (error instanceof DelayedError) throw error;
    await gate.suspect(error, job.id ?? '');
    const then = verdict(error);
    if (then.kind === 'retry')
      log.warn({ remediation: job.id, err: error }, 'attempt failed: again later');
    throw await thrown(then, job, token, gate);
  } finally {
    onProgress();
  }
}

async function thrown(
  then: Verdict,
  job: RemediationJob,
  token: string,
  gate: Gate,
): Promise<Error> {
  switch (then.kind) {
    case 'terminal':
      return new FailedRemediation(then);
    case 'retry':
      return new RetryLater(then.message, gate.closed() === undefined ? then.after : GATE_DELAY);
    case 'wait':
      return putBack(job, token, GATE_DELAY);
    case 'lost':
      // BullMQ leaves a job alone whose processor says that it has moved it.
      return new DelayedError();
  }
}

/** Back to delayed without counting an attempt. @throws {DelayedError} always */
async function putBack(job: RemediationJob, token: string, delay: number): Promise<never> {
  await job.moveToDelayed(Date.now() + delay * (1 + Math.random()), token);
  throw new DelayedError();
}

async function hold(
  job: RemediationJob,
  token: string,
  step: Step & { kind: 'hold' },
  { places, memories }: Dependencies,
): Promise<never> {
  const { reason, until, remediation } = step;
  const now = await memories.now();
  if (remediation.held?.reason !== reason) {
    await job.updateData({ ...remediation, held: { reason, since: now } });
  }
  await places.hold(reason, remediation.id, until);
  return putBack(job, token, Math.max(0, until - now));
}

/**
 * Reads the payload. A person's retry of a failed remediation shows by its missing failure: from
 * here on its age counts anew.
 */
async function readJob(
  job: RemediationJob,
  { memories, places }: Dependencies,
): Promise<Remediation> {
  if (job.data === null) throw new UnreadablePayload('the payload is no JSON');
  const remediation = readRemediation(job.data);
  if (remediation.held !== undefined) {
    await places.unhold(remediation.held.reason, remediation.id);
  }
  if (job.attemptsMade === 0 || job.failedReason !== undefined) return remediation;
  const retried = { ...remediation, retriedAt: await memories.now() };
  await job.updateData(retried);
  return retried;
}

function delivery(job: RemediationJob, token: string, remediation: Remediation): Delivery {
  // Taken before BullMQ asked Redis for the job: the lock is not older.
  let confirmedAt = job.processedOn ?? 0;
  return {
    remediation,
    again: job.attemptsMade > 0 || job.stalledCounter > 0,
    lastError: job.failedReason,
    async confirmLock() {
      const now = Date.now();
      // A clock that was set back proves nothing either.
      if (now >= confirmedAt && now - confirmedAt <= LOCK_TRUST) return;
      if ((await job.extendLock(token, LOCK_DURATION)) !== 1) throw new LockLost();
      confirmedAt = now;
    },
    save: (changed) => job.updateData(changed),
    async freeOccurrence() {
      await job.removeDeduplicationKey();
    },
  };
}
