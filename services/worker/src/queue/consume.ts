import { setTimeout } from 'node:timers/promises';
import type { Result, RetryReason } from '@openfero/core/outcome';
import { key } from '@openfero/core/redis/keys';
import { NewerPayload, QUEUE } from '@openfero/core/redis/remediation';
import { failureText } from '@openfero/core/redis/result';
import type { Logger } from '@openfero/service/log';
import type { RedisConnection } from '@openfero/service/redis';
import type { RedisWatch } from '@openfero/service/redis-watch';
import { DelayedError, UnrecoverableError, type Worker } from 'bullmq';
import { createRedisClock } from '../redis/clock.ts';
import { LOCK_DURATION } from '../redis/lock.ts';
import type { AttemptResult, Dependencies } from '../remediation/attempt.ts';
import { remediate } from '../remediation/remediate.ts';
import { backoff, GATE_DELAY, NotNow, type Verdict, verdictOn } from '../remediation/verdict.ts';
import { backendBy } from './backend.ts';
import { BoundedWorker } from './bounded-worker.ts';
import {
  createDelivery,
  createStorePayload,
  noteOperarius,
  putBack,
  type RemediationJob,
  readJob,
  type StorePayload,
} from './delivery.ts';
import type { Gate } from './gate.ts';
import { type HeldNow, hold, holdNewer } from './hold.ts';
import { createPayloads, type Payloads } from './payloads.ts';
import { traceAttempt } from './trace.ts';

/** Milliseconds. See LOCK_DURATION. */
const STALLED_INTERVAL = 5_000;

/** A failed end, as BullMQ's failed set shows it to people. */
class FailedRemediation extends UnrecoverableError {
  constructor(terminal: Verdict & { kind: 'terminal' }) {
    super(failureText(terminal.failure, terminal.message));
    // The dashboard shows the stack below the message; where our code threw it is of no use there.
    this.stack = this.message;
  }
}

/** Tells BullMQ's backoff how long to wait; the dashboard shows its message meanwhile. */
class RetryLater extends Error {
  readonly after: number | undefined;
  constructor(message: string, after: number | undefined) {
    super(message);
    this.after = after;
  }
}

export interface ConsumeOptions {
  readonly redis: RedisConnection;
  readonly watch: RedisWatch;
  readonly log: Logger;
  readonly gate: Gate;
  readonly deps: Dependencies;
  /** Called at the start and the end of every attempt: the sign that consuming makes progress. */
  readonly onProgress: () => void;
  /** Called for each attempt that failed and will be repeated. */
  readonly onRetry: (reason: RetryReason) => void;
  /** Called once for each remediation that begins to wait. */
  readonly onHeld: (held: HeldNow) => void;
}

/** Creates BullMQ's worker, not yet running. It knows attempts and delays; remediate() knows what to do. */
export function createConsumer(options: ConsumeOptions): Worker<unknown, Result> {
  const { redis, watch, deps, log } = options;
  const { prefix } = deps.settings;
  const store = createStorePayload(redis);
  const payloads = createPayloads((id) => redis.hget(key(prefix, QUEUE, id), 'data'));
  const consumer = new BoundedWorker(
    QUEUE,
    (job, token) => attemptJob(job, token ?? '', { ...options, payloads, store }),
    {
      connection: redis,
      prefix,
      autorun: false,
      concurrency: deps.settings.concurrency,
      lockDuration: LOCK_DURATION,
      stalledInterval: STALLED_INTERVAL,
      // However often a worker is killed: max-age decides when to give up.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      skipVersionCheck: true,
      settings: { backoffStrategy: delayOf },
    },
    backendBy(createRedisClock(redis)),
  );
  consumer.payloads = payloads;
  consumer.on('error', createErrorLog(watch, log));
  return consumer;
}

/** The watch logs what happens to Redis: BullMQ repeats its errors several times a second. */
function createErrorLog(watch: RedisWatch, log: Logger): (error: Error) => void {
  return (error) => {
    const ofRedis = watch.note(error) || watch.problem() !== undefined;
    log[ofRedis ? 'debug' : 'warn']({ err: error }, 'BullMQ reported an error');
  };
}

/** Milliseconds for the active remediations to end; another worker takes over the rest. */
const STOP_LIMIT = 10_000;

/**
 * Stops consuming. BullMQ's close() alone waits for ever for what is active, and without Redis
 * nothing of that can end.
 */
export async function stopConsuming(worker: Worker, redis: RedisConnection): Promise<void> {
  const limit = new AbortController();
  const closed = worker.close(redis.status !== 'ready');
  await Promise.race([closed, setTimeout(STOP_LIMIT, undefined, limit)]);
  limit.abort();
}

function delayOf(attemptsMade: number, _type?: string, error?: Error): number {
  const after = error instanceof RetryLater ? error.after : undefined;
  return after ?? backoff(attemptsMade, Math.random());
}

interface AttemptOptions extends ConsumeOptions {
  readonly payloads: Payloads;
  readonly store: StorePayload;
}

/** One attempt: the error that it throws tells BullMQ where the job goes. */
async function attemptJob(
  job: RemediationJob,
  token: string,
  options: AttemptOptions,
): Promise<Result> {
  const { onProgress } = options;
  onProgress();
  try {
    const attempted = await runAttempt(job, token, options);
    if (attempted.kind === 'end') return attempted.result;
  } catch (error) {
    await settleError(error, job, token, options);
  } finally {
    onProgress();
  }
  // Tells BullMQ that the processor itself has moved the job.
  throw new DelayedError();
}

async function runAttempt(
  job: RemediationJob,
  token: string,
  { gate, deps, payloads, store, onHeld }: AttemptOptions,
): Promise<AttemptResult> {
  const closed = gate.closed();
  if (closed !== undefined) throw new NotNow(closed);
  await payloads.load(job);
  const remediation = await readJob(job, token, { ...deps, store });
  const delivery = createDelivery(job, token, remediation, store);
  const attempted = await traceAttempt(deps.tracing, remediation, (traceparent) =>
    remediate({ ...delivery, traceparent }, deps),
  );
  if (attempted.kind === 'hold') {
    const held = await hold(job, token, attempted, { delivery, deps });
    if (held !== undefined) onHeld(held);
  }
  return attempted;
}

/** @throws what makes BullMQ fail or retry the job */
async function settleError(
  error: unknown,
  job: RemediationJob,
  token: string,
  { gate, watch, deps, store, log, onRetry }: AttemptOptions,
): Promise<void> {
  await gate.suspect(error, job.id ?? '');
  const verdict = verdictOn(error);
  if (verdict.kind === 'refused') watch.note(error);
  if (verdict.kind === 'retry') {
    onRetry(verdict.reason);
    log.warn({ remediation: job.id, err: error }, 'attempt failed, will be retried');
  }
  if (verdict.kind === 'wait' && error instanceof NewerPayload) {
    if (await holdNewer(job, token, jittered(verdict.after), deps)) {
      log.warn({ remediation: job.id }, error.message);
    }
    return;
  }
  if (verdict.kind === 'terminal') await noteOperarius(job, token, { ...deps, store });
  await applyVerdict(verdict, job, token, gate);
}

/** Milliseconds; up to twice as many, so that what waits together does not come back together. */
const jittered = (after: number): number => after * (1 + Math.random());

/** @throws what makes BullMQ fail or retry the job; returns where this worker has put it back */
async function applyVerdict(
  verdict: Verdict,
  job: RemediationJob,
  token: string,
  gate: Gate,
): Promise<void> {
  switch (verdict.kind) {
    case 'terminal':
      throw new FailedRemediation(verdict);
    case 'retry':
      throw new RetryLater(
        verdict.message,
        gate.closed() === undefined ? verdict.after : GATE_DELAY,
      );
    case 'refused':
      throw new RetryLater(verdict.message, jittered(verdict.after));
    case 'wait':
      await putBack(job, token, jittered(verdict.after));
      return;
    case 'lost':
      return;
  }
}
