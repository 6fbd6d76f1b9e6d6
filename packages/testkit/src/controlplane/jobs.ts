import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';
import { itemsOf, jobsPath } from './paths.ts';
import { at } from './request.ts';

const FINISHED_WITHIN_MS = 30_000;
const POLL_MS = 50;

export interface JobName {
  readonly namespace: string;
  readonly name: string;
}

/**
 * Ends the Pods of a Job in place of a kubelet, since there are no nodes; the job controller does the
 * rest. Returns when the Job is finished, or deleted if its ttl is 0. A Job with failing Pods finishes
 * after backoffLimit Pods: set it to 0 to save time.
 */
export async function finishJob(
  cluster: Cluster,
  job: JobName,
  phase: 'Succeeded' | 'Failed' = 'Succeeded',
): Promise<void> {
  const deadline = Date.now() + FINISHED_WITHIN_MS;
  while (!(await isFinished(cluster, job))) {
    if (Date.now() > deadline) throw new Error(`Job ${job.name} did not finish within 30 s`);
    for (const pod of await pendingPods(cluster, job)) {
      const path = `/api/v1/namespaces/${job.namespace}/pods/${pod}/status`;
      await cluster.request('PATCH', path, { status: { phase } });
    }
    await sleep(POLL_MS);
  }
}

/**
 * Ends a Job that no controller looks after: where there is none, or where the Job names another one in
 * `managedBy`.
 *
 * @returns whether it was there and had not ended
 */
export async function endJob(
  { request }: Pick<Cluster, 'request'>,
  { namespace, name }: JobName,
  fate: 'succeeded' | 'failed' | 'deleted' = 'succeeded',
): Promise<boolean> {
  const path = `${jobsPath(namespace)}/${name}`;
  const answer =
    fate === 'deleted'
      ? await request('DELETE', `${path}?propagationPolicy=Background`)
      : await request('PATCH', `${path}/status`, { status: ENDED[fate]() });
  return answer.status === 200;
}

const ENDED = {
  succeeded: () => ({
    succeeded: 1,
    completionTime: now(),
    ...over('SuccessCriteriaMet', 'Complete'),
  }),
  failed: () => ({ failed: 1, ...over('FailureTarget', 'Failed') }),
};

function over(...types: readonly string[]): object {
  const condition = (type: string): object => ({
    ...{ type, status: 'True', lastTransitionTime: now() },
    ...(type.startsWith('Fail') && { reason: 'BackoffLimitExceeded', message: 'no more tries' }),
  });
  return { startTime: now(), conditions: types.map(condition) };
}

/** Whole seconds, as Kubernetes writes times. */
const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

async function isFinished(cluster: Cluster, job: JobName): Promise<boolean> {
  const answer = await cluster.request('GET', `${jobsPath(job.namespace)}/${job.name}`);
  if (answer.status === 404) return true;
  const conditions = at(answer.body, 'status', 'conditions');
  return (Array.isArray(conditions) ? conditions : []).some(
    (condition) =>
      ['Complete', 'Failed'].includes(String(at(condition, 'type'))) &&
      at(condition, 'status') === 'True',
  );
}

async function pendingPods(cluster: Cluster, job: JobName): Promise<string[]> {
  const query = new URLSearchParams({
    labelSelector: `batch.kubernetes.io/job-name=${job.name}`,
    fieldSelector: 'status.phase=Pending',
  });
  const answer = await cluster.request('GET', `/api/v1/namespaces/${job.namespace}/pods?${query}`);
  return itemsOf(answer.body).map((pod) => String(at(pod, 'metadata', 'name')));
}
