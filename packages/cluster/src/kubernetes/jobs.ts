import { isObject, type Json, type JsonObject } from '@openfero/core/kubernetes';
import { ANNOTATIONS, LABELS, MANAGED_BY } from '@openfero/core/labels';
import { ClusterError, type ExistingJob, type JobOfOperarius, type Jobs } from '../cluster.ts';
import type { Store } from './watch/changes.ts';
import { type Means, type Watch, watch } from './watch/watch.ts';

/** Who wrote a field of a Job, in its managedFields. */
const FIELD_MANAGER = 'openfero';

/** The Jobs of one namespace: created and read by calls, their ends known from a watch. */
export function watchJobs(
  namespace: string,
  means: Means,
): { readonly jobs: Jobs; readonly watch: Watch } {
  const { api, timing } = means;
  const path = `/apis/batch/v1/namespaces/${encodeURIComponent(namespace)}/jobs`;
  const known = knownJobs();
  const selector = { labelSelector: `${LABELS.managedBy}=${MANAGED_BY}` };
  const watching = watch({ title: `Jobs in namespace ${namespace}`, path, selector }, known, means);
  const query = {
    fieldValidation: 'Warn',
    fieldManager: FIELD_MANAGER,
    // The server gives up when we do: no Job appears long after its remediation has moved on.
    timeout: `${Math.ceil(timing.call / 1000)}s`,
  };
  return {
    watch: watching,
    jobs: {
      create: (job, { dryRun }) =>
        api.create(path, dryRun ? { ...query, dryRun: 'All' } : query, job),
      async get(name) {
        try {
          return existing(await api.read('get', `${path}/${encodeURIComponent(name)}`));
        } catch (error) {
          if (error instanceof ClusterError && error.reason === 'NotFound') return undefined;
          throw error;
        }
      },
      isOurs: (name) => known.byName.has(name),
      unfinished: () => ({
        age: watching.age() * 1000,
        jobs: [...known.byName.values()].filter((job) => !job.finished),
      }),
      onEnd: (listener) => void known.listeners.push(listener),
    },
  };
}

/** All that is kept of a Job: a namespace may hold ten thousand. */
interface KnownJob extends JobOfOperarius {
  readonly uid: string;
  readonly finished: boolean;
}

interface KnownJobs extends Store<KnownJob> {
  readonly byName: ReadonlyMap<string, KnownJob>;
  readonly listeners: ((job: JobOfOperarius) => void)[];
}

/** Tells of every end once, by uid: a name may come back. */
function knownJobs(): KnownJobs {
  const byName = new Map<string, KnownJob>();
  const listeners: KnownJobs['listeners'] = [];
  let complete = false;

  const ended = ({ name, operarius }: KnownJob): void => {
    for (const listener of listeners) listener({ name, operarius });
  };
  const remove = (job: KnownJob): void => {
    const before = byName.get(job.name);
    if (before?.uid !== job.uid) return;
    byName.delete(job.name);
    if (!before.finished) ended(before);
  };
  const put = (job: KnownJob): void => {
    const same = byName.get(job.name);
    if (same !== undefined && same.uid !== job.uid) remove(same);
    const before = byName.get(job.name);
    byName.set(job.name, job);
    // What was finished before we came is no news.
    if (job.finished && before?.finished !== true && complete) ended(job);
  };
  return {
    byName,
    listeners,
    read: knownJobOf,
    put,
    remove,
    replace(all) {
      const uids = new Set(all.map(({ uid }) => uid));
      for (const job of [...byName.values()].filter(({ uid }) => !uids.has(uid))) remove(job);
      for (const job of all) put(job);
      complete = true;
    },
  };
}

function knownJobOf(object: JsonObject): KnownJob | undefined {
  const metadata = objectIn(object, 'metadata');
  const { name, uid } = metadata;
  if (typeof name !== 'string' || typeof uid !== 'string') return undefined;
  const operarius = objectIn(metadata, 'labels')[LABELS.operarius];
  return {
    name,
    uid,
    operarius: typeof operarius === 'string' ? operarius : '',
    finished: isFinished(object),
  };
}

/** @throws {ClusterError} where the answer is no Job */
function existing(answer: unknown): ExistingJob {
  const job = isObject(answer) ? answer : {};
  const metadata = objectIn(job, 'metadata');
  const createdAt = Date.parse(String(metadata['creationTimestamp']));
  const { name } = metadata;
  if (typeof name !== 'string' || Number.isNaN(createdAt)) {
    throw new ClusterError('the answer is no Job of Kubernetes', { reason: 'Unreadable' });
  }
  const annotations = objectIn(metadata, 'annotations');
  return {
    name,
    createdAt,
    finished: isFinished(job),
    remediation: textOf(annotations[ANNOTATIONS.remediation]),
    dedupKey: textOf(annotations[ANNOTATIONS.dedupKey]),
  };
}

/** Its pods are gone and nothing will start again; SuccessCriteriaMet and FailureTarget come before. */
function isFinished(job: JsonObject): boolean {
  const { conditions } = objectIn(job, 'status');
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

function objectIn(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isObject(value) ? value : {};
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
