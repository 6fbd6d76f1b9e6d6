import { isObject, type JsonObject } from '@openfero/core/kubernetes';
import { ANNOTATIONS, LABELS, MANAGED_BY } from '@openfero/core/labels';
import {
  ClusterError,
  type EndedJob,
  type ExistingJob,
  type JobOfOperarius,
  type JobOrigin,
  type Jobs,
} from '../cluster.ts';
import { createdFor } from '../created-for.ts';
import { objectAt, stringAt } from '../json.ts';
import { endOf } from './job-end.ts';
import { createWhyNoPods, hasHadPods } from './job-pods.ts';
import type { ObjectCache } from './watch/changes.ts';
import { createWatch, type Watch, type WatchDependencies } from './watch/watch.ts';

/** Marks the fields that OpenFero wrote, in the managedFields of a Job. */
const FIELD_MANAGER = 'openfero';

const ENFORCE_LABEL = 'pod-security.kubernetes.io/enforce';

/** The Jobs of one namespace: created and read by calls; a watch reports when they end. */
export function createKubernetesJobs(
  namespace: string,
  dependencies: WatchDependencies,
): { readonly jobs: Jobs; readonly watch: Watch } {
  const { api, timing } = dependencies;
  const path = `/apis/batch/v1/namespaces/${encodeURIComponent(namespace)}/jobs`;
  const selector = { labelSelector: `${LABELS.managedBy}=${MANAGED_BY}` };
  const cache = createJobCache();
  const watch = createWatch(
    { title: `Jobs in namespace ${namespace}`, path, selector },
    cache,
    dependencies,
  );
  const query = {
    fieldValidation: 'Warn',
    fieldManager: FIELD_MANAGER,
    // The server gives up when we do: no Job appears long after its remediation has moved on.
    timeout: `${Math.ceil(timing.call / 1000)}s`,
  };
  return {
    watch,
    jobs: {
      create: (job, { dryRun }) =>
        api.create(path, dryRun ? { ...query, dryRun: 'All' } : query, job),
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
          const found = await api.read(
            'get',
            `/api/v1/namespaces/${encodeURIComponent(namespace)}`,
          );
          return stringAt(objectAt(objectAt(found, 'metadata'), 'labels'), ENFORCE_LABEL);
        } catch (error) {
          if (error instanceof ClusterError && error.status === 403) return undefined;
          throw error;
        }
      },
      isOurs: (name) => cache.byName.has(name),
      unfinished: () => ({
        age: watch.age() * 1000,
        jobs: [...cache.byName.values()].filter((job) => !job.finished),
      }),
      onEnd: (listener) => void cache.listeners.push(listener),
      ended: () => [...cache.byName.values()].filter((job) => job.finished).map(endedJob),
      withoutPods: () =>
        [...cache.byName.values()]
          .filter((job) => !job.finished && !job.hasHadPods)
          .map(({ name, operarius, uid, origin }) => ({ name, operarius, uid, ...origin })),
      whyNoPods: createWhyNoPods(api, namespace),
    },
  };
}

/** All that is kept of a Job: a namespace may hold ten thousand. */
interface CachedJob extends JobOfOperarius {
  readonly uid: string;
  readonly finished: boolean;
  readonly hasHadPods: boolean;
  readonly origin: JobOrigin;
  /** Undefined as long as it is unfinished. */
  readonly ended: ReturnType<typeof endOf> | undefined;
}

/** One that went away unfinished was deleted. */
function endedJob({ name, operarius, uid, origin, ended }: CachedJob): EndedJob {
  const end = ended ?? { fate: 'deleted' as const, reason: '', endedAt: Date.now() };
  return { name, operarius, end: { uid, ...origin, ...end } };
}

interface JobCache extends ObjectCache<CachedJob> {
  readonly byName: ReadonlyMap<string, CachedJob>;
  readonly listeners: ((job: EndedJob) => void)[];
}

/** Reports the end of each Job once. Jobs differ by uid: a name may be used again. */
function createJobCache(): JobCache {
  const byName = new Map<string, CachedJob>();
  const listeners: JobCache['listeners'] = [];
  let complete = false;

  const reportEnd = (job: CachedJob): void => {
    for (const listener of listeners) listener(endedJob(job));
  };
  const remove = (job: CachedJob): void => {
    const before = byName.get(job.name);
    if (before?.uid !== job.uid) return;
    byName.delete(job.name);
    if (!before.finished) reportEnd(before);
  };
  const put = (job: CachedJob): void => {
    const sameName = byName.get(job.name);
    if (sameName !== undefined && sameName.uid !== job.uid) remove(sameName);
    const before = byName.get(job.name);
    byName.set(job.name, job);
    // Jobs that had finished before the first list are not reported.
    if (job.finished && before?.finished !== true && complete) reportEnd(job);
  };
  return {
    byName,
    listeners,
    parse: parseCachedJob,
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

function parseCachedJob(object: JsonObject): CachedJob | undefined {
  const metadata = objectAt(object, 'metadata');
  const name = stringAt(metadata, 'name');
  const uid = stringAt(metadata, 'uid');
  if (name === undefined || uid === undefined) return undefined;
  const operarius = stringAt(objectAt(metadata, 'labels'), LABELS.operarius) ?? '';
  const finished = isFinished(object);
  const ended = finished ? endOf(object) : undefined;
  const origin = createdFor(object);
  return { name, uid, operarius, finished, hasHadPods: hasHadPods(object), origin, ended };
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
function isFinished(job: unknown): boolean {
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
