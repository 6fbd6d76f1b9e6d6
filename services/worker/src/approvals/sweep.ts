import type { AskedJob, EndedJob } from '@openfero/cluster/cluster';
import {
  approvalsKey,
  askedKey,
  type Question,
  readQuestion,
  readWish,
} from '@openfero/core/redis/approvals';
import type { Approvals } from './approvals.ts';

/**
 * Creates what settles the questions whose Job went away while no worker was there to see it: those that are
 * found without their Job twice. The first time, another worker may be about to record what it has seen.
 *
 * @param end tells that a Job is over, see createJobEnding
 * @returns to be called with the Jobs about which people were asked, by the watch
 */
export function createSweep(
  {
    cluster,
    redis,
    memory,
    settings,
  }: Pick<Approvals, 'cluster' | 'redis' | 'memory' | 'settings'>,
  end: (job: EndedJob) => Promise<void>,
): (jobs: readonly AskedJob[]) => Promise<void> {
  const { prefix } = settings;
  const settleGone = async (
    uid: string,
    question: Question | undefined,
    now: number,
  ): Promise<void> => {
    const wish = readWish(await redis.hget(approvalsKey(prefix), uid));
    // Else it may have been released, have run, and been removed by its ttl: then nobody knows.
    const isCertain =
      (wish !== undefined && wish.decision !== 'approved') || now < (question?.until ?? 0);
    if (question !== undefined && isCertain) return end(endedOf(question, now));
    await redis.hdel(askedKey(prefix), uid);
    await redis.hdel(approvalsKey(prefix), uid);
  };
  let missed: ReadonlySet<string> = new Set();
  return async (jobs) => {
    const questions = await redis.hgetall(askedKey(prefix));
    // The end of one that was released and has ended is told from the watch.
    const ended = [...cluster.jobs.ended()].map(({ end: its }) => its?.uid);
    const uids = new Set([...jobs.map(({ uid }) => uid), ...ended]);
    const gone = Object.entries(questions).filter(([uid]) => !uids.has(uid));
    const again = gone.filter(([uid]) => missed.has(uid));
    missed = new Set(gone.map(([uid]) => uid));
    if (again.length === 0) return;
    const now = await memory.now();
    for (const [uid, text] of again) await settleGone(uid, readQuestion(text), now);
  };
}

/** The end of a Job that was never released, from what was asked about it. */
function endedOf(question: Question, now: number): EndedJob {
  const { uid, job: name, operarius, alertname, fingerprint, startsAt, remediation } = question;
  const { labels, manifest, until, at: createdAt } = question;
  const subject = { uid, alertname, fingerprint, startsAt, remediation, createdAt };
  const origin = { ...subject, namespace: '', groupKey: '', definition: '', status: 'firing' };
  const waits = { isWaiting: true, resourceVersion: '', approvedBy: '', until, labels, manifest };
  return {
    ...{ name, operarius },
    end: { ...origin, fate: 'deleted', reason: '', endedAt: now },
    asked: { name, operarius, ...origin, ...waits },
  };
}
