import type { Cluster, EndedJob, JobEnd } from '@openfero/cluster/cluster';
import { FATES, type FateEntry } from '@openfero/core/history/entry';
import type { ConfigMap } from '@openfero/core/kubernetes';
import type { Policy } from '@openfero/core/operarius/policy';
import type { Logger } from '@openfero/service/log';
import type { Tracing } from '@openfero/service/tracing';
import { Histogram, type Registry } from 'prom-client';
import type { RecordDecided } from '../approvals/decided.ts';
import type { Raising } from '../raise/raising.ts';
import type { Places } from '../redis/places.ts';
import { endedRun } from '../runs/ended-run.ts';
import { type Told, tellStopped } from '../runs/tell.ts';
import { configMapOf, describeJob } from './described-job.ts';
import { fateEntry } from './history.ts';

export interface JobEndingContext {
  readonly cluster: {
    readonly operarii: Pick<Cluster['operarii'], 'get' | 'all'>;
    readonly events: Cluster['events'];
  };
  readonly places: Pick<Places, 'end' | 'release'>;
  /** What became of a question: see approvals/decided.ts. */
  readonly recordDecided: RecordDecided;
  readonly raising: Pick<Raising, 'jobFailed'>;
  readonly tracing: Tracing;
  /** What annotations override. */
  readonly policy: Policy;
  /** See {@link Told}. */
  readonly sawStopped: Told['sawStopped'];
}

/**
 * Creates what is done when a Job is over: its place is given back, and its fate recorded in the history
 * once over all workers. The one that records it writes the log line, observes the duration and, if the
 * Job failed, records an Event on the ConfigMap.
 *
 * @returns what throws if Redis has not recorded it: to be called again
 */
export function createJobEnding(
  { cluster, places, policy, tracing, sawStopped, recordDecided, raising }: JobEndingContext,
  log: Logger,
  metrics: Registry,
): (job: EndedJob) => Promise<void> {
  const durations = new Histogram({
    name: 'openfero_job_duration_seconds',
    help: 'Time from the creation of a Job to its end, by fate; of one that waited for a person and never ran: denied, lapsed or withdrawn',
    labelNames: ['fate'],
    buckets: [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600],
    registers: [metrics],
  });
  for (const fate of FATES) durations.zero({ fate });
  return async (job) => {
    if (job.end === undefined) return places.release(job);
    const { uid, createdAt, endedAt } = job.end;
    const { fate, reason } = await fateOf(job, job.end, recordDecided);
    const entry = fateEntry(job, job.end, { fate, reason });
    const configMap = configMapOf(job.operarius, cluster.operarii);
    const isKnown = configMap !== undefined;
    const run = configMap && endedRun(job, configMap, policy);
    const raised = await raising.jobFailed(job, configMap, run);
    const { first, row } = await places.end(job, { uid, isKnown, fate, entry, run, raised });
    if (!first) return;
    tellStopped(run, row, { cluster, log, sawStopped });
    const seconds = Math.max(0, endedAt - createdAt) / 1000;
    durations.observe({ fate }, seconds);
    traceJob(tracing, job, job.end);
    const line = { ...describeJob({ ...job, ...job.end }), fate, seconds };
    if (fate !== 'failed') {
      log.info(line, 'Job ended');
      return;
    }
    log.error({ ...line, reason }, 'Job failed: see its events and logs');
    announceFailed(job.name, reason, configMap, cluster.events);
  };
}

/** One that went away while it waited for a person never ran: what became of the question is its fate. */
async function fateOf(
  { asked }: EndedJob,
  { fate, reason }: JobEnd,
  recordDecided: RecordDecided,
): Promise<Pick<FateEntry, 'fate' | 'reason'>> {
  const became = asked && (await recordDecided(asked));
  if (became === undefined || became.decision === 'approved') return { fate, reason };
  return { fate: became.decision, reason: became.by === '' ? '' : `by ${became.by}` };
}

function announceFailed(
  job: string,
  reason: string,
  configMap: ConfigMap | undefined,
  events: Cluster['events'],
): void {
  if (configMap === undefined) return;
  events.record(configMap.metadata, 'JobFailed', `Job ${job} failed: ${reason}`);
}

/** One whose remediation was not traced belongs to no trace. */
function traceJob(tracing: Tracing, { name, operarius }: EndedJob, end: JobEnd): void {
  const { traceparent: parent, createdAt, endedAt, fate, reason, remediation } = end;
  if (parent === undefined) return;
  tracing.record({
    ...{ name: 'Job', kind: 'internal', parent, start: createdAt, end: endedAt },
    attributes: {
      'k8s.job.name': name,
      'openfero.operarius': operarius,
      'openfero.remediation': remediation,
      'openfero.fate': fate,
    },
    failure: fate === 'failed' ? reason : undefined,
  });
}
