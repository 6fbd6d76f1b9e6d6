import type { Alert } from '@openfero/core/alert';
import { ENDS, type End, FAILURES } from '@openfero/core/outcome';
import type { Logger } from '@openfero/service/log';
import { startAtZero } from '@openfero/service/metrics';
import { Counter, Histogram, type Registry } from 'prom-client';
import type { HeldNow } from '../queue/hold.ts';

/** The end of a remediation, once Redis has it. */
export interface Ending {
  readonly end: End;
  /** The ConfigMap's name where there is one: alert text never makes a time series. */
  readonly operarius: string;
  readonly reason: string;
  readonly remediation: string;
  /** Undefined where the payload could not be read, as the key of its group. */
  readonly alert?: Alert;
  readonly groupKey?: string;
  readonly job?: string | undefined;
  /** Digest of the operarius that was used; undefined where there is none. */
  readonly definition?: string | undefined;
  readonly warnings?: readonly string[] | undefined;
  /** Receipt to end. */
  readonly seconds?: number;
}

export type RecordEnding = (ending: Ending) => void;

/** Creates what records an end: a log line, a counter and a histogram. */
export function createRecorder(log: Logger, metrics: Registry): RecordEnding {
  const ends = new Counter<'outcome' | 'operarius'>({
    name: 'openfero_remediations_total',
    help: 'Remediations that have ended in this worker, by outcome and by ConfigMap (empty where there is none)',
    labelNames: ['outcome', 'operarius'],
    registers: [metrics],
  });
  startAtZero<'outcome' | 'operarius'>(ends, 'outcome', ENDS, { operarius: '' });
  const durations = new Histogram({
    name: 'openfero_remediation_duration_seconds',
    help: 'Time from the receipt of the notification to the end of the remediation',
    labelNames: ['outcome'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 60, 300, 900],
    registers: [metrics],
  });
  for (const outcome of ENDS) durations.zero({ outcome });
  return ({ end, operarius, seconds, alert, groupKey, warnings = [], ...rest }) => {
    ends.inc({ outcome: end, operarius });
    if (seconds !== undefined) durations.observe({ outcome: end }, seconds);
    const line = {
      outcome: end,
      operarius,
      ...describeAlert(alert, groupKey),
      ...rest,
      seconds,
      ...(warnings.length > 0 && { warnings }),
    };
    if (isFailure(end)) log.error(line, 'remediation failed: see the dashboard');
    else log.info(line, 'remediation ended');
  };
}

/** Says once that a remediation waits, and for what. */
export function logHeld(log: Logger, { remediation, operarius, reason, by }: HeldNow): void {
  const { id, alert, group } = remediation;
  const line = {
    operarius,
    ...describeAlert(alert, group.key),
    remediation: id,
    held: reason,
    reason: by,
  };
  log.info(line, 'remediation is held');
}

/** Characters. Alert text is hostile and unbounded; a log line must be neither. */
const LONGEST_TEXT = 200;

/** What every line about an alert has, so that lines of one alert, or of one group, can be found together. */
function describeAlert(alert: Alert | undefined, groupKey: string | undefined): object {
  if (alert === undefined) return {};
  const { labels, fingerprint, status } = alert;
  const short = (text: string | undefined) => text?.slice(0, LONGEST_TEXT).toWellFormed();
  return {
    ...{ alertname: short(labels['alertname']), namespace: short(labels['namespace']) },
    ...{ status, fingerprint, groupKey: short(groupKey) },
  };
}

function isFailure(end: End): boolean {
  return FAILURES.some((failure) => failure === end);
}
