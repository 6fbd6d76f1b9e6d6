import type { Logger } from '@openfero/service/log';
import type { Cluster } from './cluster.ts';
import type { Memories } from './memory.ts';
import type { Places } from './places.ts';

/** Milliseconds. Ends are told of one by one; this only mends what was missed. */
const RECONCILE_INTERVAL = 60_000;

/** Places first taken, and given back, by what the watch tells; put right at start and every minute. */
export function keepPlaces(
  cluster: Cluster,
  places: Places,
  memories: Memories,
  log: Logger,
): { readonly reconcile: () => void; readonly stop: () => void } {
  const failed = (error: unknown): void => {
    log.warn({ err: error }, 'places of Jobs not put right: again in a minute');
  };
  const reconcile = async (): Promise<void> => {
    if (cluster.blocked() !== undefined) return;
    const { age, jobs } = cluster.jobs.unfinished();
    await places.reconcile((await memories.now()) - age, jobs);
  };
  cluster.jobs.onEnd((job) => void places.release(job).catch(failed));
  const run = (): void => void reconcile().catch(failed);
  const timer = setInterval(run, RECONCILE_INTERVAL);
  run();
  return { reconcile: run, stop: () => clearInterval(timer) };
}
