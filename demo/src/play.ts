import type { LogLine, Service } from '@openfero/testkit/process';
import type { DemoCluster } from './cluster.ts';

/** Milliseconds that a Job takes in the play. */
const TAKES = 1_500;

/** Milliseconds until its end is known: the folder of the Jobs is looked at each second. */
const KNOWN_WITHIN = 30_000;

/** Its Job is there to fail, once: run again from the dashboard, it succeeds. */
const FAILS_ONCE = 'openfero-certificateexpires-firing';

/**
 * Creates what ends the Jobs, since no node runs them.
 *
 * @returns what takes each line of the worker's log
 */
export function createPlay({ end }: Pick<DemoCluster, 'end'>): (line: LogLine) => void {
  let hasFailed = false;
  return ({ outcome, job, operarius }) => {
    if (outcome !== 'created' || typeof job !== 'string') return;
    const fails = operarius === FAILS_ONCE && !hasFailed;
    hasFailed ||= fails;
    // A demo that ends meanwhile has no use for it.
    const play = (): Promise<void> =>
      end(job, fails ? 'failed' : 'succeeded').catch(() => undefined);
    setTimeout(() => void play(), TAKES).unref();
  };
}

/** Waits until the worker says how the Job of an outcome has ended. */
export const jobEnded = (worker: Service, { job }: LogLine): Promise<LogLine> =>
  worker.waitForLine((line) => line['fate'] !== undefined && line['job'] === job, KNOWN_WITHIN);
