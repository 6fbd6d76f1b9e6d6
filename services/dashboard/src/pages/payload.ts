import type { Remediation } from '@openfero/core/redis/remediation';
import type { Job, Queue } from 'bullmq';
import { readPayload } from './queued.ts';

/** What BullMQ still has of a remediation: it keeps what has ended for a day, what failed for a week. */
export interface Payload {
  readonly id: string;
  /** Undefined where it is no payload of ours. */
  readonly remediation: Remediation | undefined;
  readonly attempts: number;
  /** Of the last attempt that failed; empty where none did. */
  readonly failedReason: string;
  /** Of a dry run: the Job that would have been created, as JSON. */
  readonly manifest: string | undefined;
  readonly job: Job;
}

export async function readPayloadOf(queue: Queue, id: string): Promise<Payload | undefined> {
  const job = await queue.getJob(id);
  if (job === undefined) return undefined;
  const { data, attemptsMade, failedReason = '', returnvalue } = job;
  return {
    id,
    remediation: readPayload(data),
    attempts: attemptsMade,
    failedReason: typeof failedReason === 'string' ? failedReason : '',
    manifest: manifestIn(returnvalue),
    job,
  };
}

function manifestIn(result: unknown): string | undefined {
  if (typeof result !== 'object' || result === null || !('manifest' in result)) return undefined;
  return JSON.stringify(result.manifest, null, 2);
}
