import { createInterner } from '@openfero/core/interned';
import type { JsonObject } from '@openfero/core/kubernetes';
import { LABELS } from '@openfero/core/labels';
import type { AskedJob, EndedJob, JobOfOperarius, JobOrigin, Jobs } from '../cluster.ts';
import { createdFor } from '../created-for.ts';
import { objectAt, stringAt } from '../json.ts';
import { type Asked, askedOf, createDecided } from './asked-job.ts';
import { createJobCalls, FIELD_MANAGER, isFinished, jobsPath, OURS } from './job-calls.ts';
import { endOf } from './job-end.ts';
import { createWhyNoPods, hasHadPods } from './job-pods.ts';
import type { ObjectCache } from './watch/changes.ts';
import { createWatch, type Watch, type WatchDependencies } from './watch/watch.ts';

/** The Jobs of one namespace: created and read by calls; a watch reports when they end. */
export function createKubernetesJobs(
  namespace: string,
  dependencies: WatchDependencies,
): { readonly jobs: Jobs; readonly watch: Watch } {
  const { api, timing } = dependencies;
  const path = jobsPath(namespace);
  const selector = { labelSelector: OURS };
  const cache = createJobCache();
  const watch = createWatch(
    { title: `Jobs in namespace ${namespace}`, path, selector },
    cache,
    dependencies,
  );
  return {
    watch,
    jobs: {
      ...createJobCalls(namespace, api, timing),
      canWait: true,
      isOurs: (name) => cache.byName.has(name),
      unfinished: () => ({
        age: watch.age() * 1000,
        jobs: [...cache.byName.values()]
          .filter((job) => !job.finished)
          .map((job) => ({ ...placeHolder(job), isAsked: isWaiting(job.asked) })),
      }),
      onEnd: (listener) => void cache.listeners.push(listener),
      ended: () => [...cache.byName.values()].filter((job) => job.finished).map(endedJob),
      asked: () => [...cache.asked.values()].flatMap((job) => askedJob(job) ?? []),
      ...createDecided(api, path, { fieldManager: FIELD_MANAGER }),
      withoutPods: () =>
        cache.byName
          .values()
          .filter((job) => !job.finished && !job.hasHadPods && !isWaiting(job.asked))
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
  /** Undefined where nobody was asked. */
  readonly asked: Asked | undefined;
  /** Undefined as long as it is unfinished. */
  readonly ended: ReturnType<typeof endOf> | undefined;
}

/** One that went away unfinished was deleted. */
function endedJob(job: CachedJob): EndedJob {
  const { uid, origin, ended } = job;
  const asked = askedJob(job);
  const end = ended ?? { fate: 'deleted' as const, reason: '', endedAt: Date.now() };
  return {
    ...placeHolder(job),
    end: { uid, ...origin, ...end },
    ...(asked !== undefined && { asked }),
  };
}

const isWaiting = (asked: Asked | undefined): boolean => asked?.isWaiting === true;

function askedJob({ uid, origin, asked, ...job }: CachedJob): AskedJob | undefined {
  return asked && { ...placeHolder(job), uid, ...origin, ...asked };
}

/** What the limits know of a Job. */
function placeHolder({ name, operarius, target }: JobOfOperarius): JobOfOperarius {
  return target === undefined ? { name, operarius } : { name, operarius, target };
}

interface JobCache extends ObjectCache<CachedJob> {
  readonly byName: ReadonlyMap<string, CachedJob>;
  /** Of them, the unfinished ones about which a person was asked: they are looked at twice a second. */
  readonly asked: ReadonlyMap<string, CachedJob>;
  readonly listeners: ((job: EndedJob) => void)[];
}

/** Reports the end of each Job once. Jobs differ by uid: a name may be used again. */
function createJobCache(): JobCache {
  const byName = new Map<string, CachedJob>();
  const asked = new Map<string, CachedJob>();
  const listeners: JobCache['listeners'] = [];
  const intern = createInterner();
  let complete = false;

  const keep = (job: CachedJob): void => {
    byName.set(job.name, job);
    if (job.asked !== undefined && !job.finished) asked.set(job.name, job);
    else asked.delete(job.name);
  };
  const drop = ({ name }: CachedJob): void => {
    byName.delete(name);
    asked.delete(name);
  };

  const reportEnd = (job: CachedJob): void => {
    for (const listener of listeners) listener(endedJob(job));
  };
  const remove = (job: CachedJob): void => {
    const before = byName.get(job.name);
    if (before?.uid !== job.uid) return;
    drop(job);
    // The event of a deletion has the Job as it was at its end: it may have been released since.
    if (!before.finished) reportEnd({ ...before, asked: job.asked });
  };
  /** One that is not in a new list. Had it waited for a person, it may have been released before it went. */
  const forget = (job: CachedJob): void => {
    if (isWaiting(job.asked)) drop(job);
    else remove(job);
  };
  const put = (job: CachedJob): void => {
    const sameName = byName.get(job.name);
    if (sameName !== undefined && sameName.uid !== job.uid) remove(sameName);
    const before = byName.get(job.name);
    keep(job);
    // Jobs that had finished before the first list are not reported.
    if (job.finished && before?.finished !== true && complete) reportEnd(job);
  };
  return {
    byName,
    asked,
    listeners,
    parse: (object) => parseCachedJob(object, intern),
    put,
    remove,
    replace(all) {
      const uids = new Set(all.map(({ uid }) => uid));
      for (const job of [...byName.values()].filter(({ uid }) => !uids.has(uid))) forget(job);
      for (const job of all) put(job);
      complete = true;
    },
  };
}

/** @param intern returns one string for equal ones: each event has its own, which Jobs have in common */
function parseCachedJob(object: JsonObject, intern: Intern): CachedJob | undefined {
  const metadata = objectAt(object, 'metadata');
  const name = stringAt(metadata, 'name');
  const uid = stringAt(metadata, 'uid');
  if (name === undefined || uid === undefined) return undefined;
  const labels = objectAt(metadata, 'labels');
  const operarius = intern(stringAt(labels, LABELS.operarius) ?? '');
  const target = stringAt(labels, LABELS.target);
  const finished = isFinished(object);
  const ended = finished ? endOf(object) : undefined;
  const origin = interned(createdFor(object), intern);
  const asked = askedOf(object);
  const hadPods = hasHadPods(object);
  const cached = { name, uid, operarius, finished, hasHadPods: hadPods, origin, asked, ended };
  return target === undefined ? cached : { ...cached, target };
}

type Intern = ReturnType<typeof createInterner>;

function interned(origin: JobOrigin, intern: Intern): JobOrigin {
  return {
    ...origin,
    alertname: intern(origin.alertname),
    startsAt: intern(origin.startsAt),
    definition: intern(origin.definition),
    namespace: intern(origin.namespace),
    groupKey: intern(origin.groupKey),
  };
}
