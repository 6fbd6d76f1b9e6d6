import { type Cluster, ClusterError } from '@openfero/cluster/cluster';
import { messageOf } from '@openfero/core/errors';
import type { Logger } from '@openfero/service/log';
import type { Worker } from 'bullmq';

/** Milliseconds between two checks of whether the worker may take remediations. */
const GATE_CHECK_INTERVAL = 250;

/** Milliseconds between two pings of an API server that does not answer. */
const PING_INTERVAL = 1000;

/** So many different remediations got 429 within a second: the API server is overloaded, not one of them. */
const THROTTLED_REMEDIATIONS = 3;
const THROTTLE_WINDOW = 1000;

/** Milliseconds of pause where the server asked for none, and the longest that it may ask for. */
const THROTTLE_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;

/**
 * Decides whether this worker takes remediations at all. A single failing remediation never closes
 * it: only a cluster whose state is unknown, an API server that is unreachable, or a Redis that refuses.
 */
export interface Gate {
  /** Why this worker takes nothing now, or undefined. */
  closed(): string | undefined;
  /** Takes every error of an attempt. @returns once it is known whether the gate closes */
  suspect(error: unknown, remediation: string): Promise<void>;
  /** Pauses or resumes the consumer now. It is checked at an interval too. */
  apply(): void;
  /** From now on pauses and resumes this consumer, which starts when the gate first opens. */
  steer(consumer: Consumer): void;
  stop(): void;
}

/** BullMQ's Worker: its pause affects this process only, other workers continue. */
export type Consumer = Pick<Worker, 'pause' | 'resume'>;

/** @param refusing why Redis refuses commands, which its watch logs */
export function createGate(
  cluster: Cluster,
  refusing: () => string | undefined,
  log: Logger,
): Gate {
  let consumer: Consumer | undefined;
  let unreachable: string | undefined;
  // By the monotonic clock: one that is set back must not make a pause of an hour.
  let throttledUntil = 0;
  let pinging: Promise<void> | undefined;
  let told: string | undefined = 'starting';
  let taking = false;
  const throttled = new Map<string, number>();

  const closed = (): string | undefined => refusing() ?? closedByCluster();
  const closedByCluster = (): string | undefined =>
    cluster.blocked() ??
    unreachable ??
    (performance.now() < throttledUntil
      ? 'the API server is overloaded and asked for a pause'
      : undefined);

  const tell = (): void => {
    const reason = closedByCluster();
    if (reason === told) return;
    told = reason;
    if (reason === undefined) log.info('taking remediations');
    else log.warn({ reason }, 'taking no remediations');
  };
  const apply = (): void => {
    if (consumer === undefined) return;
    tell();
    const open = closed() === undefined;
    if (open === taking) return;
    taking = open;
    // True: do not wait for the active ones.
    void (open ? consumer.resume() : consumer.pause(true));
  };

  const ping = async (): Promise<void> => {
    try {
      await cluster.ping();
      unreachable = undefined;
    } catch (error) {
      // Any answer, a 403 included, shows that the server is there.
      unreachable = isNoAnswer(error)
        ? `the API server is unreachable: ${messageOf(error)}`
        : undefined;
    } finally {
      pinging = undefined;
    }
    apply();
  };
  /** One ping at a time, however many remediations fail. */
  const pingOnce = (): Promise<void> => {
    pinging ??= ping();
    return pinging;
  };

  const timer = setInterval(apply, GATE_CHECK_INTERVAL);
  const pings = setInterval(() => {
    if (unreachable !== undefined) void pingOnce();
  }, PING_INTERVAL);
  return {
    closed,
    apply,
    async suspect(error, remediation) {
      if (!(error instanceof ClusterError)) return;
      if (error.status === 429) {
        throttled.set(remediation, performance.now());
        const pause = Math.min(error.retryAfter ?? THROTTLE_PAUSE, LONGEST_PAUSE);
        if (recent(throttled) >= THROTTLED_REMEDIATIONS) throttledUntil = performance.now() + pause;
        apply();
        return;
      }
      if (isNoAnswer(error)) await pingOnce();
    },
    steer(worker) {
      consumer = worker;
      apply();
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

/** Counts those of the last second and drops the others. */
function recent(throttled: Map<string, number>): number {
  const since = performance.now() - THROTTLE_WINDOW;
  for (const [remediation, at] of throttled) if (at < since) throttled.delete(remediation);
  return throttled.size;
}
