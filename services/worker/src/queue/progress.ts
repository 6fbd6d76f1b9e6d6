import type { Queue } from 'bullmq';

/** Milliseconds between two looks at the waiting list. */
const LOOK_INTERVAL = 5_000;

/** Milliseconds without an attempt, although something waits, after which a restart is called for. */
const WEDGED = 60_000;

/**
 * Notices a worker that has stopped consuming: BullMQ's isRunning() stays true on a wedged one, so
 * what counts is whether attempts begin or end while something waits.
 */
export interface Progress {
  readonly made: () => void;
  /** Why only a restart helps, or undefined. */
  readonly problem: () => string | undefined;
  readonly stop: () => void;
}

/** @param idle whether the worker has a reason not to consume */
export function progress(queue: Queue, idle: () => boolean): Progress {
  let last = performance.now();
  const made = (): void => {
    last = performance.now();
  };
  const look = async (): Promise<void> => {
    if (idle() || (await queue.getWaitingCount()) === 0) made();
  };
  // Redis away is no reason for a restart: without it nothing can be consumed.
  const timer = setInterval(() => void look().catch(made), LOOK_INTERVAL);
  return {
    made,
    problem() {
      const seconds = Math.round((performance.now() - last) / 1000);
      if (seconds * 1000 < WEDGED) return undefined;
      return `remediations wait, and none was begun or ended for ${seconds} s`;
    },
    stop: () => clearInterval(timer),
  };
}
