import { isObject } from '@openfero/core/kubernetes';
import { ANNOTATIONS, LABELS, MANAGED_BY } from '@openfero/core/labels';
import { ClusterError, type ExistingJob, type Jobs } from '../cluster.ts';
import { objectAt, stringAt } from '../json.ts';
import type { Api, DryRun } from './http/api.ts';
import type { Timing } from './timing.ts';

/** What is asked of a server about Jobs, each with one request. */
export type JobCalls = Pick<Jobs, 'create' | 'get' | 'enforcedPodSecurity'> & {
  /** @returns the Job as the server would store it @throws {ClusterError} */
  dryRun(job: unknown): Promise<DryRun>;
};

/** Marks the fields that OpenFero wrote, in the managedFields of a Job. */
export const FIELD_MANAGER = 'openfero';

const ENFORCE_LABEL = 'pod-security.kubernetes.io/enforce';

/** The label selector of the Jobs that OpenFero created. */
export const OURS = `${LABELS.managedBy}=${MANAGED_BY}`;

export const jobsPath = (namespace: string): string =>
  `/apis/batch/v1/namespaces/${encodeURIComponent(namespace)}/jobs`;

export function createJobCalls(namespace: string, api: Api, timing: Timing): JobCalls {
  const path = jobsPath(namespace);
  const query = {
    fieldValidation: 'Warn',
    fieldManager: FIELD_MANAGER,
    // The server gives up when we do: no Job appears long after its remediation has moved on.
    timeout: `${Math.ceil(timing.call / 1000)}s`,
  };
  return {
    create: (job, { dryRun }) =>
      api.create(path, dryRun ? { ...query, dryRun: 'All' } : query, job),
    dryRun: (job) => api.dryRun(path, query, job),
    async get(name) {
      try {
        return parseExistingJob(await api.read('get', `${path}/${encodeURIComponent(name)}`));
      } catch (error) {
        if (error instanceof ClusterError && error.reason === 'NotFound') return undefined;
        throw error;
      }
    },
    async enforcedPodSecurity() {
      try {
        const found = await api.read('get', `/api/v1/namespaces/${encodeURIComponent(namespace)}`);
        return stringAt(objectAt(objectAt(found, 'metadata'), 'labels'), ENFORCE_LABEL);
      } catch (error) {
        if (error instanceof ClusterError && error.status === 403) return undefined;
        throw error;
      }
    },
  };
}

/** Milliseconds: Kubernetes' times have whole seconds, cut off. */
const TIME_RESOLUTION = 1000;

/** @throws {ClusterError} where the response is not a Job */
function parseExistingJob(response: unknown): ExistingJob {
  const metadata = objectAt(response, 'metadata');
  const name = stringAt(metadata, 'name');
  const createdAt = Date.parse(String(metadata['creationTimestamp']));
  if (name === undefined || Number.isNaN(createdAt)) {
    throw new ClusterError('the response is not a Kubernetes Job', { reason: 'Unreadable' });
  }
  const annotations = objectAt(metadata, 'annotations');
  return {
    name,
    createdAt,
    createdBefore: createdAt + TIME_RESOLUTION,
    finished: isFinished(response),
    remediation: stringAt(annotations, ANNOTATIONS.remediation),
    dedupKey: stringAt(annotations, ANNOTATIONS.dedupKey),
  };
}

/**
 * All its pods have ended and none will start. SuccessCriteriaMet and FailureTarget are set earlier.
 *
 * A Job that is being deleted counts as finished: with a finalizer whose controller is gone it would hold
 * its place, and count as running, for ever.
 */
export function isFinished(job: unknown): boolean {
  if (objectAt(job, 'metadata')['deletionTimestamp'] !== undefined) return true;
  const { conditions } = objectAt(job, 'status');
  return (
    Array.isArray(conditions) &&
    conditions.some(
      (one) =>
        isObject(one) &&
        (one['type'] === 'Complete' || one['type'] === 'Failed') &&
        one['status'] === 'True',
    )
  );
}
