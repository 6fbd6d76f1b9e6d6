import type { Queue } from 'bullmq';

/** Milliseconds between two checks of the waiting list. */
const PROGRESS_CHECK_INTERVAL = 5_000;

/** Milliseconds without an attempt, although something waits, after which /healthz asks for a restart. */
const WEDGED = 60_000;

/**
 * Detects a worker that has stopped consuming. BullMQ's isRunning() stays true on such a worker, so
 * what counts is whether attempts begin or end while something waits.
 */
export interface Progress {
  readonly made: () => void;
  /** Why a restart is needed, or undefined. */
  readonly problem: () => string | undefined;
  readonly stop: () => void;
}

/** @param idle whether the worker has a reason not to consume */
export function createProgress(queue: Queue, idle: () => boolean): Progress {
  let last = performance.now();
  const made = (): void => {
    last = performance.now();
  };
  const check = async (): Promise<void> => {
    if (idle() || (await queue.getWaitingCount()) === 0) made();
  };
  // An unreachable Redis is no reason for a restart: without it nothing can be consumed.
  const timer = setInterval(() => void check().catch(made), PROGRESS_CHECK_INTERVAL);
  return {
    made,
    problem() {
      const seconds = Math.round((performance.now() - last) / 1000);
      if (seconds * 1000 < WEDGED) return undefined;
      return `remediations are waiting, and none was started or finished for ${seconds} s`;
    },
    stop: () => clearInterval(timer),
  };
}
