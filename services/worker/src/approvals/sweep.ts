import type { EndedJob } from '@openfero/cluster/cluster';
import {
  approvalsKey,
  askedKey,
  type Question,
  readQuestion,
  readWish,
} from '@openfero/core/redis/approvals';
import type { Approvals } from './approvals.ts';

/** What sweeping needs. */
type Sweeping = Pick<Approvals, 'redis' | 'memory' | 'settings'> & {
  readonly cluster: {
    readonly jobs: Pick<Approvals['cluster']['jobs'], 'asked' | 'ended' | 'unfinished'>;
  };
};

/**
 * Creates what settles the questions whose Job went away while no worker was there to see it: those that are
 * found without their Job twice, by a watch that is newer than they are. The first time, another worker may be
 * about to record what it has seen.
 *
 * @param end tells that a Job is over, see createJobEnding
 */
export function createSweep(
  { cluster, redis, memory, settings }: Sweeping,
  end: (job: EndedJob) => Promise<void>,
): () => Promise<void> {
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
  /** @returns whether the watch has no Job of a question, and is newer than it */
  const goneAsOf = (now: number): ((uid: string, question: Question | undefined) => boolean) => {
    const { jobs } = cluster;
    const asOf = now - jobs.unfinished().age;
    // The end of one that was released and has ended is told from the watch.
    const ended = [...jobs.ended()].map(({ end: its }) => its?.uid);
    const uids = new Set([...[...jobs.asked()].map(({ uid }) => uid), ...ended]);
    return (uid, question) => !uids.has(uid) && (question?.at ?? 0) < asOf;
  };
  let missed: ReadonlySet<string> = new Set();
  return async () => {
    const texts = Object.entries(await redis.hgetall(askedKey(prefix)));
    if (texts.length === 0) return;
    const now = await memory.now();
    const isWithoutJob = goneAsOf(now);
    const gone = texts
      .map(([uid, text]) => [uid, readQuestion(text)] as const)
      .filter(([uid, question]) => isWithoutJob(uid, question));
    const again = gone.filter(([uid]) => missed.has(uid));
    missed = new Set(gone.map(([uid]) => uid));
    for (const [uid, question] of again) await settleGone(uid, question, now);
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
