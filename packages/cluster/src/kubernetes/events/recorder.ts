import { messageOf } from '@openfero/core/errors';
import type { Logger } from '@openfero/service/log';
import { ClusterError, type Events } from '../../cluster.ts';
import { pause, waitAtMost } from '../waiting.ts';
import { createCorrelator, type Series } from './correlator.ts';
import { createEventWriter, type EventCalls } from './writer.ts';

export interface EventOptions {
  /** The name of this worker, for `reportingInstance`. */
  readonly instance: string;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly timing?: EventTiming;
}

export interface EventRecorder extends Events {
  /** Writes the Events that are queued, within a second. Later ones are ignored. */
  close(): Promise<void>;
}

/** Milliseconds, each with its reason. Tests pass shorter ones. */
export interface EventTiming {
  /** Between two rounds: all observations of one series in between become one write. */
  readonly pace: number;
  /** Before the first retry of a write; the delay doubles with each further one. */
  readonly retry: number;
  /** How long nothing is written after the server has forbidden it. */
  readonly forbidden: number;
  /** Between two log lines about dropped Events. */
  readonly report: number;
  /** How long close() may take: the worker has other things to end. */
  readonly flush: number;
}

const TIMING: EventTiming = {
  pace: 1000,
  retry: 500,
  forbidden: 10 * 60_000,
  report: 60_000,
  flush: 1000,
};

/** Series in the queue, as in client-go. Above it they are dropped: the log has all outcomes. */
const MAX_QUEUED = 1000;

/**
 * Writes Events one by one in the background: no remediation waits for them. Equal observations are
 * counted, similar ones combined, and too many of them dropped: see {@link createCorrelator}.
 */
export function createEventRecorder(calls: EventCalls, options: EventOptions): EventRecorder {
  const { now = Date.now, timing = TIMING } = options;
  const reportDropped = createDropReport(options.log, timing.report);
  const closing = new AbortController();
  const { signal } = closing;
  const correlator = createCorrelator();
  const queue = new Set<string>();
  const write = createEventWriter(calls, options.instance, { firstDelay: timing.retry, signal });
  let running: Promise<void> | undefined;
  let forbiddenUntil = Number.NEGATIVE_INFINITY;
  let isClosed = false;

  const nextWrite = (key: string): Series | undefined => {
    if (now() < forbiddenUntil || isClosed) return undefined;
    const series = correlator.latest(key);
    return series !== undefined && correlator.takeWrite(series, now()) ? series : undefined;
  };
  const writeSeries = async (key: string): Promise<void> => {
    const series = nextWrite(key);
    try {
      if (series !== undefined) await write(series);
    } catch (error) {
      if (isForbidden(error)) forbiddenUntil = now() + timing.forbidden;
      reportDropped(messageOf(error));
    }
  };
  const run = async (): Promise<void> => {
    while (queue.size > 0) {
      const round = [...queue];
      queue.clear();
      for (const key of round) await writeSeries(key);
      await pause(timing.pace, signal);
    }
    running = undefined;
  };
  return {
    record(object, reason, message) {
      if (signal.aborted) return;
      const { key } = correlator.observe({ object, reason, message }, now());
      if (now() < forbiddenUntil) return;
      if (queue.size < MAX_QUEUED) queue.add(key);
      else if (!queue.has(key)) reportDropped(`more than ${MAX_QUEUED} are queued`);
      running ??= run();
    },
    async close() {
      closing.abort();
      await waitAtMost(timing.flush, running ?? Promise.resolve());
      isClosed = true;
    },
  };
}

function isForbidden(error: unknown): boolean {
  return error instanceof ClusterError && error.status === 403;
}

/** Logs how many Events were dropped, and why: one line per interval. */
function createDropReport(log: Logger, interval: number): (problem: string) => void {
  let leftOut = 0;
  let next = Number.NEGATIVE_INFINITY;
  return (problem) => {
    leftOut++;
    if (performance.now() < next) return;
    log.warn({ leftOut }, `Events on ConfigMaps were not written: ${problem}`);
    leftOut = 0;
    next = performance.now() + interval;
  };
}
