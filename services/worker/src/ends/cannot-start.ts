import { type Cluster, ClusterError, type JobWithoutPods } from '@openfero/cluster/cluster';
import { cut } from '@openfero/core/cut';
import { messageOf } from '@openfero/core/errors';
import {
  CANNOT_START_LENGTH,
  cannotStartClaimKey,
  cannotStartKey,
} from '@openfero/core/redis/published';
import type { Logger } from '@openfero/service/log';
import type { RedisConnection } from '@openfero/service/redis';
import { startLooking } from '../redis/looking.ts';
import { configMapOf, describeJob } from './described-job.ts';

export interface CannotStartOptions {
  readonly cluster: {
    readonly jobs: Pick<Cluster['jobs'], 'withoutPods' | 'whyNoPods'>;
    readonly operarii: Pick<Cluster['operarii'], 'get' | 'all'>;
    readonly events: Cluster['events'];
    readonly blocked: Cluster['blocked'];
  };
  readonly redis: RedisConnection;
  readonly prefix: string;
  readonly log: Logger;
}

/** Milliseconds. Tests pass shorter ones. */
export interface CannotStartTimes {
  /** Between two looks at the Jobs of the watch. */
  readonly look: number;
  /** Until the Events of a Job are read: its controller may have much to do. */
  readonly patience: number;
  /** Until they are read again, where none says why. */
  readonly again: number;
  /** Until a Job counts as one that cannot start although no Event says so. */
  readonly silence: number;
}

const TIMES: CannotStartTimes = {
  look: 5_000,
  // The controller of Jobs creates 20 pods a second (its default), and this limit is over all Jobs.
  patience: 30_000,
  again: 30_000,
  silence: 300_000,
};

/**
 * At most so many Jobs are asked about in a look. Where no controller runs, no Job has pods, and the API server
 * would get a request for each of ten thousand.
 */
const ASKS_PER_LOOK = 20;

/** Of more Jobs without pods than these, a look takes the oldest: they have a common cause. */
const LOOKED_AT = 1000;

/** What one worker knows of a Job without pods. By the process' own clock, in milliseconds. */
interface Seen {
  /** When it saw the Job first. */
  readonly since: number;
  /** Before that it does not ask again. */
  askAt: number;
}

/**
 * Watches for Jobs whose pods cannot be created, because of a missing ServiceAccount, a quota or Pod
 * Security: without a pod a Job neither succeeds nor fails, until its deadline. The reason is read from the
 * Events about it by one of the workers, logged, and published for as long as it lasts.
 *
 * @returns what stops it
 */
export function watchCannotStart(options: CannotStartOptions, times = TIMES): () => void {
  const { redis, cluster, log } = options;
  /** Jobs without pods, by uid. */
  let seen: ReadonlyMap<string, Seen> = new Map();

  const firstSeen = (now: number): Seen => ({ since: now, askAt: now + times.patience });
  const look = async (): Promise<void> => {
    const jobs = [...Iterator.from(cluster.jobs.withoutPods()).take(LOOKED_AT)];
    const now = performance.now();
    seen = new Map(jobs.map(({ uid }) => [uid, seen.get(uid) ?? firstSeen(now)]));
    const known = await redis.hgetall(cannotStartKey(options.prefix));
    await forget(Object.keys(known), new Set(jobs.map(({ name }) => name)), options);
    const due = jobs.flatMap((job) => {
      const one = seen.get(job.uid);
      const isDue = one !== undefined && now >= one.askAt && !Object.hasOwn(known, job.name);
      return isDue ? [{ job, one }] : [];
    });
    for (const { job, one } of due.slice(0, ASKS_PER_LOOK)) {
      one.askAt = now + times.again;
      await ask(job, now - one.since, options, times);
    }
  };
  const failed = (error: unknown): void =>
    log.debug({ problem: messageOf(error) }, 'Jobs without pods not looked at');
  // What a stale watch does not show may have happened.
  const isBlocked = (): boolean => cluster.blocked() !== undefined;
  return startLooking(redis, { look, failed, interval: times.look, isBlocked });
}

/** Removes those that have a pod by now, or are over. */
async function forget(
  known: readonly string[],
  withoutPods: ReadonlySet<string>,
  { redis, prefix, log }: CannotStartOptions,
): Promise<void> {
  for (const job of known.filter((name) => !withoutPods.has(name))) {
    const removed = await redis.hdel(cannotStartKey(prefix), job);
    if (removed === 1) log.info({ job }, 'Job has started, or is over');
  }
}

/** Asks once over all workers why a Job has no pods, and tells people. */
async function ask(
  job: JobWithoutPods,
  age: number,
  { cluster, redis, prefix, log }: CannotStartOptions,
  { again, silence }: CannotStartTimes,
): Promise<void> {
  const claim = cannotStartClaimKey(prefix, job.uid);
  if ((await redis.set(claim, '1', 'PX', again, 'NX')) === null) return;
  const said = (await whyNoPods(cluster.jobs, job)) ?? (age < silence ? undefined : SILENCE);
  if (said === undefined) return;
  const reason = cut(said, CANNOT_START_LENGTH);
  await redis.hset(cannotStartKey(prefix), job.name, reason);
  const { name, operarius } = job;
  log.error({ ...describeJob(job), reason }, 'Job cannot start');
  const configMap = configMapOf(operarius, cluster.operarii);
  if (configMap === undefined) return;
  const message = `Job ${name} cannot start: ${reason}`;
  cluster.events.record(configMap.metadata, 'JobCannotStart', message);
}

const SILENCE =
  'no pod was created, and no Event says why: check whether kube-controller-manager runs, and whether another controller manages the Job';

async function whyNoPods(
  jobs: CannotStartOptions['cluster']['jobs'],
  job: JobWithoutPods,
): Promise<string | undefined> {
  try {
    return await jobs.whyNoPods(job);
  } catch (error) {
    if (!(error instanceof ClusterError) || error.status !== 403) throw error;
    return `no pod was created, and the worker may not list Events to know why: check its Role, or run kubectl describe job ${job.name}`;
  }
}
