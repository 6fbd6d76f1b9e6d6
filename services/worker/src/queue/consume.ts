import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Result } from '@openfero/core/outcome';
import { QUEUE } from '@openfero/core/redis/remediation';
import type { Logger } from '@openfero/service/log';
import { DelayedError, UnrecoverableError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Delivery, Dependencies, Step } from '../remediation/attempt.ts';
import { remediate } from '../remediation/remediate.ts';
import { backoff, GATE_DELAY, NotNow, type Verdict, verdict } from '../remediation/verdict.ts';
import {
  deliveryOf,
  heldOf,
  LOCK_DURATION,
  putBack,
  type RemediationJob,
  readJob,
} from './delivery.ts';
import type { Gate } from './gate.ts';

/** Milliseconds. See LOCK_DURATION. */
const STALLED_INTERVAL = 5_000;

/** The end of a remediation for a person to look at, as BullMQ's failed set shows it. */
export class FailedRemediation extends UnrecoverableError {
  readonly verdict: Verdict & { kind: 'terminal' };
  constructor(terminal: Verdict & { kind: 'terminal' }) {
    super(`${terminal.failure}: ${terminal.message}`);
    this.verdict = terminal;
    // The dashboard shows it below the message: where our code threw it helps nobody there.
    this.stack = this.message;
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

/**
 * Stops consuming: BullMQ's close() alone waits for ever for what is in hand, and without Redis
 * nothing of that can end.
 */
export async function stopConsuming(worker: Worker, redis: Redis): Promise<void> {
  const limit = new AbortController();
  const closed = worker.close(redis.status !== 'ready');
  await Promise.race([closed, setTimeout(STOP_LIMIT, undefined, limit)]);
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
  options: ConsumeOptions,
): Promise<Result> {
  const { gate, onProgress, log } = options;
  onProgress();
  try {
    const step = await stepOf(job, token, options);
    if (step.kind === 'end') return step.result;
  } catch (error) {
    await gate.suspect(error, job.id ?? '');
    const then = verdict(error);
    if (then.kind === 'retry') {
      log.warn({ remediation: job.id, err: error }, 'attempt failed: again later');
    }
    await settle(then, job, token, gate);
  } finally {
    onProgress();
  }
  // BullMQ leaves a job alone whose processor says that it has moved it.
  throw new DelayedError();
}

async function stepOf(
  job: RemediationJob,
  token: string,
  { gate, deps }: ConsumeOptions,
): Promise<Step> {
  const closed = gate.closed();
  if (closed !== undefined) throw new NotNow(closed);
  const delivery = deliveryOf(job, token, await readJob(job, deps));
  const step = await remediate(delivery, deps);
  if (step.kind === 'hold') await hold(job, token, delivery, { step, deps });
  return step;
}

/** @throws where the remediation is not to be delayed by us */
async function settle(
  then: Verdict,
  job: RemediationJob,
  token: string,
  gate: Gate,
): Promise<void> {
  switch (then.kind) {
    case 'terminal':
      throw new FailedRemediation(then);
    case 'retry':
      throw new RetryLater(then.message, gate.closed() === undefined ? then.after : GATE_DELAY);
    case 'wait':
      await putBack(job, token, then.after * (1 + Math.random()));
      return;
    case 'lost':
      return;
  }
}

interface Holding {
  readonly step: Step & { kind: 'hold' };
  readonly deps: Dependencies;
}

async function hold(
  job: RemediationJob,
  token: string,
  delivery: Delivery,
  { step, deps }: Holding,
): Promise<void> {
  const { reason, until, remediation } = step;
  const now = await deps.memories.now();
  const { held } = remediation;
  const since = held?.reason === reason ? held.since : now;
  const changed = { ...remediation, held: { reason, since } };
  if (!isDeepStrictEqual(changed, job.data)) await delivery.save(changed);
  const delayed = await putBack(job, token, Math.max(0, until - now));
  if (delayed) await deps.places.hold(heldOf(remediation, reason), until);
}
