import { messageOf } from '@openfero/core/errors';
import type { Logger } from '@openfero/service/log';
import { ClusterError, type Events } from '../../cluster.ts';
import { correlator, type Series } from './series.ts';
import { type EventCalls, pause, writer } from './writer.ts';

export interface EventOptions {
  /** The name of this worker, for `reportingInstance`. */
  readonly instance: string;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly timing?: EventTiming;
}

export interface KubernetesEvents extends Events {
  /** Writes what waits, as long as that takes no more than a second; from here on nothing is taken. */
  close(): Promise<void>;
}

/** Milliseconds, each with its reason. Tests hand in shorter ones. */
export interface EventTiming {
  /** Between two rounds: what happens to a ConfigMap meanwhile is one write. */
  readonly pace: number;
  /** Before the second try of a write; each later one waits twice as long. */
  readonly retry: number;
  /** How long nothing is tried where we may not write Events. */
  readonly quiet: number;
  /** Between two lines of the log on what was left out. */
  readonly complaint: number;
  /** What close() may take: the worker has other things to end. */
  readonly flush: number;
}

const TIMING: EventTiming = {
  pace: 1000,
  retry: 500,
  quiet: 10 * 60_000,
  complaint: 60_000,
  flush: 1000,
};

/** Series that wait for their turn, as in client-go. Beyond it they are left out: the log has them all. */
const MAX_WAITING = 1000;

/**
 * Writes Events one after the other, beside everything else: none is worth a remediation's wait. What is
 * the same is counted up, what is similar combined, and what is too much left out (event-series.ts).
 */
export function kubernetesEvents(calls: EventCalls, options: EventOptions): KubernetesEvents {
  const { now = Date.now, timing = TIMING } = options;
  const complain = complaints(options.log, timing.complaint);
  const closing = new AbortController();
  const series = correlator();
  const waiting = new Set<string>();
  const write = writer(calls, options.instance, { first: timing.retry, signal: closing.signal });
  let running: Promise<void> | undefined;
  let quietUntil = Number.NEGATIVE_INFINITY;
  let late = false;

  const due = (key: string): Series | undefined => {
    const one = now() < quietUntil || late ? undefined : series.latest(key);
    return one !== undefined && series.admit(one, now()) ? one : undefined;
  };
  const writeIfDue = async (key: string): Promise<void> => {
    const one = due(key);
    try {
      if (one !== undefined) await write(one);
    } catch (error) {
      if (isForbidden(error)) quietUntil = now() + timing.quiet;
      complain(messageOf(error));
    }
  };
  const rounds = async (): Promise<void> => {
    while (waiting.size > 0) {
      const round = [...waiting];
      waiting.clear();
      for (const key of round) await writeIfDue(key);
      await pause(timing.pace, closing.signal);
    }
    running = undefined;
  };
  return {
    record(object, reason, message) {
      if (closing.signal.aborted) return;
      const { key } = series.observe({ object, reason, message }, now());
      if (now() < quietUntil) return;
      if (waiting.size < MAX_WAITING) waiting.add(key);
      else if (!waiting.has(key)) complain(`more than ${MAX_WAITING} wait`);
      running ??= rounds();
    },
    async close() {
      closing.abort();
      const timer = new AbortController();
      await Promise.race([running, pause(timing.flush, timer.signal)]);
      timer.abort();
      late = true;
    },
  };
}

function isForbidden(error: unknown): boolean {
  return error instanceof ClusterError && error.status === 403;
}

/** Says what was left out, with a number, and not for each of a flood. */
function complaints(log: Logger, interval: number): (problem: string) => void {
  let leftOut = 0;
  let next = Number.NEGATIVE_INFINITY;
  return (problem) => {
    leftOut++;
    if (performance.now() < next) return;
    log.warn({ leftOut }, `Events on ConfigMaps are left out: ${problem}`);
    leftOut = 0;
    next = performance.now() + interval;
  };
}
