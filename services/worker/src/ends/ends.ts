import type { OperariusRegistry } from '@openfero/core/decisions/registry';
import type { Result } from '@openfero/core/outcome';
import { type Remediation, readRemediation } from '@openfero/core/redis/remediation';
import { readFailure } from '@openfero/core/redis/result';
import type { Job, Worker } from 'bullmq';
import type { Ending } from './record.ts';

/** An end, and the remediation where its payload can be read. */
export interface EndOfJob {
  readonly ending: Ending;
  readonly remediation: Remediation | undefined;
}

/**
 * Reports every end once Redis has accepted it: a worker that lost its lock must not report an end
 * that another one reaches.
 *
 * @param registry knows which ConfigMaps exist: no other name becomes a metric label
 */
export function onEnds(
  worker: Worker<unknown, Result>,
  registry: OperariusRegistry,
  report: (end: EndOfJob) => void,
): void {
  worker.on('completed', (job, result) => report(completedEnd(job, result)));
  worker.on('failed', (job, error) => {
    // Only an attempt failed.
    if (job === undefined || job.finishedOn === undefined) return;
    const { ending, remediation } = failedEnd(job, error.message, registry);
    // The one that failed, unless it was changed while the API server answered.
    const definition = ending.alert && registry.definitionFor(ending.alert);
    report({ ending: { ...ending, definition }, remediation });
  });
}

export function completedEnd(job: Job<unknown>, result: Result): EndOfJob {
  const { outcome, operarius, reason, job: name, definition, warnings } = result;
  const remediation = payloadOf(job);
  const ending = endingOf(job, remediation);
  return {
    ending: { end: outcome, operarius, reason, job: name, definition, warnings, ...ending },
    remediation,
  };
}

/** @param text as BullMQ keeps it. A job that it failed by itself has waited or stalled beyond every limit. */
export function failedEnd(
  job: Job<unknown>,
  text: string,
  registry: Pick<OperariusRegistry, 'nameFor'>,
): EndOfJob {
  const { failure, message } = readFailure(text) ?? {
    failure: 'expired',
    message: `BullMQ gave it up: ${text}`,
  };
  const remediation = payloadOf(job);
  const ending = endingOf(job, remediation);
  const operarius = ending.alert === undefined ? '' : registry.nameFor(ending.alert);
  return { ending: { end: failure, operarius, reason: message, ...ending }, remediation };
}

function endingOf(
  job: Job<unknown, Result>,
  remediation: Remediation | undefined,
): Pick<Ending, 'remediation' | 'alert' | 'groupKey' | 'seconds'> {
  const { id = '' } = job;
  if (remediation === undefined) return { remediation: id };
  // Two clocks: Redis' at the receipt, ours at the end.
  const seconds = Math.max(0, Date.now() - remediation.receivedAt) / 1000;
  const { alert, group } = remediation;
  return { remediation: id, alert, groupKey: group.key, seconds };
}

function payloadOf(job: Job<unknown>): Remediation | undefined {
  try {
    return readRemediation(job.data);
  } catch {
    return undefined;
  }
}
