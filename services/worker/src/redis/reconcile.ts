import type { Cluster, EndedJob } from '@openfero/cluster/cluster';
import type { Logger } from '@openfero/service/log';
import type { RedisWatch } from '@openfero/service/redis-watch';
import type { EpisodeMemory } from './memory.ts';
import type { Places } from './places.ts';

/** Milliseconds. The watch reports each end; this only corrects what was missed. */
const RECONCILE_INTERVAL = 60_000;

/**
 * Milliseconds until a reconciliation that the cluster blocked is tried again, and one after which it is not
 * known yet which targets are being worked on.
 */
const SOON = 1_000;

const NOT_CORRECTED =
  'the limits were not corrected from the Jobs that exist, will be retried in a minute';

/** What reconciling needs of the cluster. */
type Reconciled = Pick<Cluster, 'blocked'> & {
  readonly jobs: Pick<Cluster['jobs'], 'unfinished' | 'ended' | 'onEnd'>;
};

export interface Reconciler {
  /** Call it when Redis may have lost the places. */
  readonly reconcile: () => void;
  readonly stop: () => void;
}

export interface ReconcilerContext {
  readonly watch: Pick<RedisWatch, 'note'>;
  readonly log: Logger;
  readonly end: (job: EndedJob) => Promise<void>;
}

/**
 * Gives places back as Jobs end and has their fates recorded, and corrects the places from the watch at
 * start and every minute.
 *
 * @param end gives back the place of a Job that is over; called again for one that it threw for
 */
export function createReconciler(
  cluster: Reconciled,
  places: Places,
  memory: EpisodeMemory,
  { watch, log, end }: ReconcilerContext,
): Reconciler {
  let timer: NodeJS.Timeout | undefined;
  let running = false;
  let stopped = false;
  /** Ends that Redis has not accepted, by uid. */
  const untold = new Map<string, EndedJob>();
  /** Whether those of the Jobs that exist are, or were, among them. */
  let isComplete = false;
  const failed = (error: unknown): true => {
    if (!watch.note(error)) log.warn({ err: error }, NOT_CORRECTED);
    return true;
  };
  /** @returns false where it should be done again soon */
  const reconcile = async (): Promise<boolean> => {
    // In this order: a place taken in between is then younger than the answer of the cluster.
    const now = await memory.now();
    const { age, jobs } = cluster.jobs.unfinished();
    const areTargetsKnown = await places.reconcile(now - age, jobs);
    if (!isComplete) for (const job of cluster.jobs.ended()) untold.set(keyOf(job), job);
    isComplete = true;
    for (const job of [...untold.values()]) await tellEnd(job);
    return areTargetsKnown;
  };
  const tellEnd = async (job: EndedJob): Promise<void> => {
    try {
      await end(job);
      untold.delete(keyOf(job));
    } catch (error) {
      untold.set(keyOf(job), job);
      failed(error);
    }
  };
  const run = async (): Promise<void> => {
    // While Redis is unreachable one run waits for it: more would do the same.
    if (running || stopped) return;
    running = true;
    clearTimeout(timer);
    const isDone = cluster.blocked() === undefined && (await reconcile().catch(failed));
    running = false;
    if (!stopped) timer = setTimeout(() => void run(), isDone ? RECONCILE_INTERVAL : SOON);
  };
  cluster.jobs.onEnd((job) => void tellEnd(job));
  void run();
  return {
    reconcile: () => void run(),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

const keyOf = ({ name, end }: EndedJob): string => end?.uid ?? name;
