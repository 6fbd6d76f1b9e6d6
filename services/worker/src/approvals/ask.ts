import type { AskedJob } from '@openfero/cluster/cluster';
import { encodeEntry } from '@openfero/core/history/encode';
import { ASK, askInput } from '@openfero/core/redis/approval-scripts';
import type { Question } from '@openfero/core/redis/approvals';
import { script } from '@openfero/service/script';
import { configMapOf, describeJob } from '../ends/described-job.ts';
import type { Approvals } from './approvals.ts';
import { subjectOf } from './decided.ts';

/** What asking needs. */
type Asking = Pick<Approvals, 'redis' | 'alertmanagers' | 'raising' | 'settings' | 'log'> & {
  readonly cluster: {
    readonly operarii: Pick<Approvals['cluster']['operarii'], 'get' | 'all'>;
    readonly events: Approvals['cluster']['events'];
  };
};

/**
 * Creates what asks people about a Job that waits: once over all workers.
 *
 * @returns to be called with the time (ms, Redis' clock); whether the question stands
 */
export function createAsk({
  cluster,
  redis,
  alertmanagers,
  raising,
  settings,
  log,
}: Asking): (job: AskedJob, now: number) => Promise<boolean> {
  const { prefix, historyCount: count } = settings;
  const askScript = script(redis, ASK);
  const checked = [
    ...['the operarius is valid', 'the alert matches', 'the operarius is not stopped'],
    ...['the problem has no other Job', 'the API server has accepted the Job'],
    alertmanagers === undefined
      ? 'Alertmanager was not asked (OPENFERO_ALERTMANAGER_URL)'
      : 'Alertmanager says that a firing alert is active',
  ];
  return async (job, now) => {
    const { uid, name, until } = job;
    const entry = encodeEntry({ ...subjectOf(job), kind: 'asked', job: name, uid, until, at: now });
    const raised = raising.asked(job, now);
    const input = askInput(prefix, questionOf(job, checked, now), { count, entry, raised });
    const answer = await askScript(input.keys, input.args);
    if (answer === 'asked') tellAsked(job);
    return answer !== 'decided';
  };

  function tellAsked(job: AskedJob): void {
    const until = new Date(job.until).toISOString();
    log.info({ until, ...describeJob(job) }, 'a Job waits for a person');
    const metadata = configMapOf(job.operarius, cluster.operarii)?.metadata;
    if (metadata === undefined) return;
    const message = `Job ${job.name} waits for a person until ${until}: approve or deny it in the dashboard, or with kubectl`;
    cluster.events.record(metadata, 'ApprovalAsked', message);
  }
}

function questionOf(job: AskedJob, checked: readonly string[], at: number): Question {
  const { uid, name, operarius, alertname, fingerprint, startsAt, remediation } = job;
  const { labels, manifest, until } = job;
  return {
    ...{ uid, job: name, operarius, alertname, fingerprint, startsAt, remediation },
    ...{ labels, manifest, until, at, checked: [...checked] },
  };
}
