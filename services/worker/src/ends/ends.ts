import type { OperariusRegistry } from '@openfero/core/decisions/registry';
import type { End, Result } from '@openfero/core/outcome';
import { type Remediation, readRemediation } from '@openfero/core/redis/remediation';
import type { Job, Worker } from 'bullmq';
import { FailedRemediation } from '../queue/consume.ts';
import type { Ending } from './record.ts';

/**
 * Reports every end once Redis has accepted it: a worker that lost its lock must not report an end
 * that another one reaches.
 *
 * @param registry knows which ConfigMaps exist: no other name becomes a metric label
 */
export function onEnds(
  worker: Worker<unknown, Result>,
  registry: OperariusRegistry,
  report: (ending: Ending, remediation: Remediation | undefined) => void,
): void {
  worker.on('completed', (job, { outcome, operarius, reason, job: name, warnings }) => {
    const remediation = payloadOf(job);
    const ending = endingOf(job, remediation);
    report({ end: outcome, operarius, reason, job: name, warnings, ...ending }, remediation);
  });
  worker.on('failed', (job, error) => {
    // Only an attempt failed.
    if (job === undefined || job.finishedOn === undefined) return;
    const { failure, message } = failureOf(error);
    const remediation = payloadOf(job);
    const ending = endingOf(job, remediation);
    const operarius = ending.alert === undefined ? '' : registry.nameFor(ending.alert);
    report({ end: failure, operarius, reason: message, ...ending }, remediation);
  });
}

/** A job that BullMQ failed by itself has waited or stalled beyond every limit of ours. */
function failureOf(error: Error): { failure: End; message: string } {
  if (error instanceof FailedRemediation) return error.verdict;
  return { failure: 'expired', message: `BullMQ gave it up: ${error.message}` };
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
