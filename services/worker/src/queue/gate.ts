import { type Cluster, ClusterError } from '@openfero/cluster/cluster';
import { messageOf } from '@openfero/core/errors';
import type { Logger } from '@openfero/service/log';
import type { Worker } from 'bullmq';

/** Milliseconds between two looks at whether the worker may go on. */
const LOOK_INTERVAL = 250;

/** Milliseconds between two questions to an API server that does not answer. */
const PING_INTERVAL = 1000;

/** So many different remediations refused for load within a second: the server means all of us. */
const THROTTLED_REMEDIATIONS = 3;
const THROTTLE_WINDOW = 1000;

/** Milliseconds of pause where the server named none, and the longest that it may name. */
const THROTTLE_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;

/**
 * Decides whether this worker takes remediations at all. One remediation in trouble never closes
 * it: only a cluster whose state is unknown, or an API server that does not answer anybody.
 */
export interface Gate {
  /** Why this worker takes nothing now, or undefined. */
  closed(): string | undefined;
  /** To be told of every error of an attempt. @returns once it is known whether the gate closes */
  suspect(error: unknown, remediation: string): Promise<void>;
  /** From here on pauses and resumes this consumer; until the gate opens it has not begun. */
  steer(consumer: Consumer): void;
  stop(): void;
}

/** BullMQ's Worker: its pause is of this process alone, other workers go on. */
export type Consumer = Pick<Worker, 'pause' | 'resume'>;

export function gate(cluster: Cluster, log: Logger): Gate {
  let consumer: Consumer | undefined;
  let unreachable: string | undefined;
  let throttledUntil = 0;
  let asking: Promise<void> | undefined;
  let paused: string | undefined = 'starting';
  const throttled = new Map<string, number>();

  const closed = (): string | undefined =>
    cluster.blocked() ??
    unreachable ??
    (Date.now() < throttledUntil ? 'the API server asks for a pause' : undefined);

  const look = (): void => {
    const reason = closed();
    if (reason === paused || consumer === undefined) return;
    paused = reason;
    if (reason === undefined) {
      log.info('taking remediations');
      void consumer.resume();
    } else {
      log.warn({ reason }, 'taking no remediations');
      // True: what is in hand does not hold up the pause.
      void consumer.pause(true);
    }
  };

  const ping = async (): Promise<void> => {
    try {
      await cluster.ping();
      unreachable = undefined;
    } catch (error) {
      // An answer of any kind, a 403 among them, shows that the server is there.
      unreachable = isNoAnswer(error)
        ? `the API server does not answer: ${messageOf(error)}`
        : undefined;
    } finally {
      asking = undefined;
    }
    look();
  };
  /** One question at a time, however many remediations suspect something. */
  const ask = (): Promise<void> => {
    asking ??= ping();
    return asking;
  };

  const timer = setInterval(look, LOOK_INTERVAL);
  const pings = setInterval(() => {
    if (unreachable !== undefined) void ask();
  }, PING_INTERVAL);
  return {
    closed,
    async suspect(error, remediation) {
      if (!(error instanceof ClusterError)) return;
      if (error.status === 429) {
        throttled.set(remediation, Date.now());
        const pause = Math.min(error.retryAfter ?? THROTTLE_PAUSE, LONGEST_PAUSE);
        if (recent(throttled) >= THROTTLED_REMEDIATIONS) throttledUntil = Date.now() + pause;
        look();
        return;
      }
      if (isNoAnswer(error)) await ask();
    },
    steer(worker) {
      consumer = worker;
      look();
    },
    stop() {
      clearInterval(timer);
      clearInterval(pings);
    },
  };
}

function isNoAnswer(error: unknown): boolean {
  return error instanceof ClusterError && (error.status === undefined || error.status >= 500);
}

/** Counts those of the last second and forgets the others. */
function recent(throttled: Map<string, number>): number {
  const since = Date.now() - THROTTLE_WINDOW;
  for (const [remediation, at] of throttled) if (at < since) throttled.delete(remediation);
  return throttled.size;
}
