import { type AskedJob, ClusterError } from '@openfero/cluster/cluster';
import {
  approvalsKey,
  DECIDE,
  decideInput,
  OBSTRUCT,
  readWish,
} from '@openfero/core/redis/approvals';
import { script } from '@openfero/service/script';
import type { Approvals } from './approvals.ts';
import { createLook } from './obstacles.ts';

/** Does what was decided about a Job that waits. @param text the wish, as Redis has it @param now Redis' clock */
export type CarryOut = (job: AskedJob, text: string, now: number) => Promise<void>;

/**
 * Creates what carries out decisions. Every worker may do it, and several at once: the API server takes the
 * first, and answers the others that the Job has changed. Nothing is recorded here: the watch shows what came
 * of it.
 */
export function createCarryOut(approvals: Approvals): CarryOut {
  const { cluster, redis, settings } = approvals;
  const { prefix } = settings;
  const obstructScript = script(redis, OBSTRUCT);
  const decideScript = script(redis, DECIDE);
  const look = createLook(approvals);

  const release = async (job: AskedJob, text: string, now: number): Promise<void> => {
    const found = await look(job, now);
    if (found.kind === 'free') {
      await cluster.jobs.release(job, `${readWish(text)?.by ?? ''} (dashboard)`);
    } else if (found.kind === 'obstacle') {
      await obstruct(job, text, found.text);
    } else {
      const wish = { decision: 'withdrawn', by: '', at: now } as const;
      const { keys, args } = decideInput(prefix, job.uid, wish);
      await decideScript(keys, args);
    }
  };
  const obstruct = async ({ uid }: AskedJob, text: string, obstacle: string): Promise<void> => {
    const wish = readWish(text);
    if (wish === undefined || wish.obstacle === obstacle) return;
    const more = JSON.stringify({ ...wish, obstacle });
    await obstructScript([approvalsKey(prefix)], [uid, text, more]);
  };
  const refused = async (job: AskedJob, text: string, error: unknown): Promise<void> => {
    if (!(error instanceof ClusterError) || error.status === undefined) throw error;
    const { status, message } = error;
    // Somebody was faster: the watch will say who.
    if (status === 404 || status === 409) return;
    await obstruct(job, text, status === 403 ? `${NO_RIGHTS} (${message})` : message);
  };
  return async (job, text, now) => {
    const wish = readWish(text);
    if (wish === undefined) return;
    const done = wish.decision === 'approved' ? release(job, text, now) : cluster.jobs.remove(job);
    await done.catch((error: unknown) => refused(job, text, error));
  };
}

const NO_RIGHTS =
  'the worker must be allowed to patch and delete Jobs: apply deploy/kubernetes/approval.yaml';
