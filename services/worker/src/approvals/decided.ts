import type { AskedJob } from '@openfero/cluster/cluster';
import { encodeEntry } from '@openfero/core/history/encode';
import type { DecidedEntry, Subject } from '@openfero/core/history/entry';
import { NEVER, parseInstant } from '@openfero/core/instant';
import { RECORD_DECIDED, readRecorded, recordInput } from '@openfero/core/redis/approval-scripts';
import { approvalsKey, type Decided, readWish } from '@openfero/core/redis/approvals';
import { script } from '@openfero/service/script';
import { configMapOf, describeJob } from '../ends/described-job.ts';
import type { Approvals } from './approvals.ts';

/** Records what became of a question, as the cluster shows it. @returns what counts over all workers */
export type RecordDecided = (job: AskedJob) => Promise<Decided>;

/** The alert and the remediation of an asked Job. */
export const subjectOf = (job: AskedJob): Subject => ({
  id: job.remediation,
  ...{ alertname: job.alertname, fingerprint: job.fingerprint, operarius: job.operarius },
  status: job.status === 'resolved' ? 'resolved' : 'firing',
  startsAt: parseInstant(job.startsAt) ?? NEVER,
});

/**
 * Creates what records decisions: not by who made one, but from the watch. So each is recorded once, whoever
 * made it, and whichever worker was killed.
 */
export function createRecordDecided(
  approvals: Pick<Approvals, 'redis' | 'memory' | 'settings' | 'cluster' | 'log'>,
): RecordDecided {
  const { redis, memory, settings } = approvals;
  const { prefix, historyCount: count } = settings;
  const recordScript = script(redis, RECORD_DECIDED);
  return async (job) => {
    const decided = job.isWaiting ? await howGone(job) : howReleased(job);
    const at = await memory.now();
    const { uid, name } = job;
    const entry = { ...subjectOf(job), kind: 'decided', ...decided, job: name, uid, at } as const;
    const input = recordInput(prefix, uid, { became: decided, count, entry: encodeEntry(entry) });
    const { first, became } = readRecorded(await recordScript(input.keys, input.args));
    if (first) tellDecided(job, entry, approvals);
    return became;
  };

  /** It has gone while it waited: as somebody wished, else a person has deleted it. */
  async function howGone({ uid }: AskedJob): Promise<Decided> {
    const wish = readWish(await redis.hget(approvalsKey(prefix), uid));
    if (wish === undefined || wish.decision === 'approved') return DELETED;
    const { decision, by } = wish;
    return decision === 'denied' ? { decision, by, how: 'dashboard' } : { decision, by };
  }
}

const DELETED: Decided = { decision: 'denied', by: '', how: 'kubectl' };

/** How a worker signs a Job that it releases for somebody. With kubectl, one signs as oneself or not at all. */
const DASHBOARD = ' (dashboard)';
export const signatureOf = (user: string): string => user + DASHBOARD;

function howReleased({ approvedBy }: AskedJob): Decided {
  const decision = 'approved';
  return approvedBy.endsWith(DASHBOARD)
    ? { decision, by: approvedBy.slice(0, -DASHBOARD.length), how: 'dashboard' }
    : { decision, by: approvedBy, how: 'kubectl' };
}

function tellDecided(
  job: AskedJob,
  { decision, by }: DecidedEntry,
  { cluster, log }: Pick<Approvals, 'cluster' | 'log'>,
): void {
  log.info({ decision, by, ...describeJob(job) }, 'a Job that waited for a person was decided');
  const metadata = configMapOf(job.operarius, cluster.operarii)?.metadata;
  if (metadata === undefined) return;
  const who = by === '' ? '' : ` by ${by}`;
  cluster.events.record(metadata, 'ApprovalDecided', `Job ${job.name} was ${decision}${who}`);
}
