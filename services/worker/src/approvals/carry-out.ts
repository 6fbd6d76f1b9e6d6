import { type AskedJob, ClusterError } from '@openfero/cluster/cluster';
import { isRefusal } from '@openfero/cluster/rejection';
import { DECIDE, decideInput, OBSTRUCT } from '@openfero/core/redis/approval-scripts';
import { approvalsKey, readWish, type Wish } from '@openfero/core/redis/approvals';
import { script } from '@openfero/service/script';
import { configMapOf, describeJob } from '../ends/described-job.ts';
import type { Approvals } from './approvals.ts';
import { signatureOf } from './decided.ts';
import { createLook } from './obstacles.ts';
import type { Releases } from './releases.ts';

/** Does what was decided about a Job that waits. @param text the wish, as Redis has it @param now Redis' clock */
export type CarryOut = (job: AskedJob, text: string, now: number) => Promise<void>;

interface Order {
  readonly job: AskedJob;
  readonly wish: Wish;
  /** The wish as Redis has it. */
  readonly text: string;
  /** Milliseconds, Redis' clock. */
  readonly now: number;
}

/** Milliseconds after which the API server is asked again for what it has refused: a person must act first. */
const REFUSED_RETRY = 10_000;

/**
 * Creates what carries out decisions. Every worker may do it, and several at once: the API server takes the
 * first, and answers the others that the Job has changed. Nothing is recorded here: the watch shows what came
 * of it.
 */
export function createCarryOut(approvals: Approvals, releases: Releases): CarryOut {
  const { cluster, redis, settings } = approvals;
  const { prefix } = settings;
  const obstructScript = script(redis, OBSTRUCT);
  const decideScript = script(redis, DECIDE);
  const look = createLook({ ...approvals, releases });

  const release = async (order: Order): Promise<void> => {
    const { job, wish, now } = order;
    const found = await look(job, now);
    if (found.kind === 'free') {
      await releaseOrGiveBack(job, signatureOf(wish.by), found.at);
    } else if (found.kind === 'obstacle') {
      await obstruct(order, { obstacle: found.text });
    } else {
      const withdrawn = { decision: 'withdrawn', by: '', at: now } as const;
      const { keys, args } = decideInput(prefix, job.uid, withdrawn);
      await decideScript(keys, args);
    }
  };
  const releaseOrGiveBack = async (job: AskedJob, by: string, takenAt: string): Promise<void> => {
    try {
      await cluster.jobs.release(job, by);
    } catch (error) {
      // After any other error it may be released. So it may where it has changed: then by somebody else.
      if (isRefusal(error) && !isConflict(error)) await releases.giveBack(job, takenAt);
      throw error;
    }
  };
  /** @returns whether that is news, and this worker the one that noted it */
  const obstruct = async (
    { job, wish, text }: Order,
    why: Pick<Wish, 'obstacle' | 'retryAt'>,
  ): Promise<boolean> => {
    const isNews = wish.obstacle !== why.obstacle;
    if (!isNews && why.retryAt === undefined) return false;
    const { retryAt: _, ...rest } = wish;
    const noted = JSON.stringify({ ...rest, ...why });
    const answer = await obstructScript([approvalsKey(prefix)], [job.uid, text, noted]);
    return isNews && answer === 1;
  };
  const refused = async (order: Order, error: unknown): Promise<void> => {
    if (!(error instanceof ClusterError) || error.status === undefined) throw error;
    // Somebody was faster: the watch will say who.
    if (error.status === 404 || isConflict(error)) return;
    const obstacle = whatToDo(error);
    const isNews = await obstruct(order, { obstacle, retryAt: order.now + REFUSED_RETRY });
    if (isNews) tellRefused(order.job, obstacle, approvals);
  };
  return async (job, text, now) => {
    const wish = readWish(text);
    if (wish === undefined || (wish.retryAt ?? 0) > now) return;
    const order = { job, wish, text, now };
    const done = wish.decision === 'approved' ? release(order) : cluster.jobs.remove(job);
    await done.catch((error: unknown) => refused(order, error));
  };
}

const isConflict = (error: unknown): boolean =>
  error instanceof ClusterError && error.status === 409;

/** What the API server says, and what a person can do about it. */
function whatToDo(error: ClusterError): string {
  const { status, message } = error;
  if (status === 403)
    return `the API server forbids it to the worker: apply deploy/kubernetes/approval.yaml, or change the policy that is named (${message})`;
  if (isRefusal(error) && status !== 429)
    return `the API server refuses it: correct what it names, or deny the Job (${message})`;
  return message;
}

function tellRefused(
  job: AskedJob,
  obstacle: string,
  { cluster, log }: Pick<Approvals, 'cluster' | 'log'>,
): void {
  const line = { obstacle, ...describeJob(job) };
  log.warn(line, 'what was decided about a Job is not carried out, will be retried');
  const metadata = configMapOf(job.operarius, cluster.operarii)?.metadata;
  if (metadata === undefined) return;
  const message = `Job ${job.name} waits on, although it was decided: ${obstacle}`;
  cluster.events.record(metadata, 'ApprovalObstructed', message);
}
