import type { Cluster } from '@openfero/cluster/cluster';
import type { Logger } from '@openfero/service/log';
import type { Memories } from './memory.ts';
import type { Places } from './places.ts';

/** Milliseconds. Ends are told of one by one; this only mends what was missed. */
const RECONCILE_INTERVAL = 60_000;

/** Milliseconds until a first look that came too early is tried again. */
const SOON = 1_000;

export interface KeptPlaces {
  /** To be called when Redis may have lost them. */
  readonly reconcile: () => void;
  readonly stop: () => void;
}

/** Gives places back as the watch tells of ends, and puts them right at start and every minute. */
export function keepPlaces(
  cluster: Cluster,
  places: Places,
  memories: Memories,
  log: Logger,
): KeptPlaces {
  let timer: NodeJS.Timeout | undefined;
  let running = false;
  let stopped = false;
  const failed = (error: unknown): void => {
    log.warn({ err: error }, 'places of Jobs not put right: again in a minute');
  };
  const reconcile = async (): Promise<void> => {
    // In this order: what comes between the two is younger than what the cluster is asked.
    const now = await memories.now();
    const { age, jobs } = cluster.jobs.unfinished();
    await places.reconcile(now - age, jobs);
  };
  const run = async (): Promise<void> => {
    // While Redis is away one of them waits for it: more would say the same.
    if (running || stopped) return;
    running = true;
    clearTimeout(timer);
    const blocked = cluster.blocked() !== undefined;
    if (!blocked) await reconcile().catch(failed);
    running = false;
    if (!stopped) timer = setTimeout(() => void run(), blocked ? SOON : RECONCILE_INTERVAL);
  };
  cluster.jobs.onEnd((job) => void places.release(job).catch(failed));
  void run();
  return {
    reconcile: () => void run(),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
