import type { Alert, Texts } from '../alert.ts';
import { bytesOf, cut } from '../cut.ts';
import { formatInstant } from '../instant.ts';
import { oneLine } from '../one-line.ts';
import type { Failure } from '../outcome.ts';
import { fieldOf, type RaisedContent, type ToRaise } from '../redis/raised.ts';

/** Why an alert is raised about a remediation: the label `openfero_reason`. */
export type RaisedReason = 'job-failed' | 'no-effect' | Exclude<Failure, 'unreadable'>;

/** What people need to look further. */
export interface Places {
  /** The namespaces of the ConfigMaps, and of the Jobs. */
  readonly configMaps: string;
  readonly jobs: string;
  /** OPENFERO_DASHBOARD_URL. */
  readonly dashboard: string | undefined;
}

/** The alert that was to be remediated. */
export type AlertInTrouble = Pick<Alert, 'labels' | 'fingerprint' | 'startsAt'>;

/** What went wrong. */
export interface Failed {
  readonly reason: RaisedReason;
  /** One sentence or more. */
  readonly what: string;
  /** The ConfigMap's name. */
  readonly operarius: string;
  readonly job?: string | undefined;
}

/** Milliseconds: an hour. An alert that still fires then has been with people for long enough. */
export const RAISED_FOR = 3_600_000;

/**
 * How often a name gets a suffix: A, then B for `ARemediationFailed`, then people. An operarius for every
 * name that ends so would raise the next one for ever.
 */
const TWICE = /(?:RemediationFailed|ApprovalNeeded){2}$/;

/** The alert `<alertname>RemediationFailed`; undefined where the suffix is there twice already. */
export function remediationFailed(
  alert: AlertInTrouble,
  { reason, what, operarius, job }: Failed,
  places: Places,
): ToRaise | undefined {
  const { alertname = '' } = alert.labels;
  if (TWICE.test(alertname)) return undefined;
  const { fingerprint } = alert;
  return {
    field: fieldOf('remediation-failed', operarius, fingerprint),
    lasts: RAISED_FOR,
    content: {
      ...{ kind: 'remediation-failed', operarius },
      ...(isWhole(alertname) && { about: { alertname, fingerprint } }),
      labels: {
        ...carried(alert.labels),
        alertname: `${shortened(alertname)}RemediationFailed`,
        openfero: 'remediation-failed',
        openfero_operarius: operarius,
        openfero_reason: reason,
      },
      ...told(`OpenFero could not remediate ${alertname}.`, what, places, {
        ...(job !== undefined && { job }),
        kubectl:
          job === undefined
            ? `kubectl -n ${places.configMaps} describe configmap ${operarius}`
            : `kubectl -n ${places.jobs} describe job ${job}`,
        path: `occurrences/${segment(fingerprint)}/${segment(formatInstant(alert.startsAt))}`,
      }),
    },
  };
}

/** A Job that waits for a person. */
export interface Waiting {
  readonly operarius: string;
  readonly job: string;
  readonly uid: string;
  /** Milliseconds for which it waits. */
  readonly lasts: number;
}

/** The alert `<alertname>ApprovalNeeded`; undefined where there are two suffixes already. */
export function approvalNeeded(
  alert: AlertInTrouble,
  { operarius, job, uid, lasts }: Waiting,
  places: Places,
): ToRaise | undefined {
  const { alertname = '' } = alert.labels;
  if (TWICE.test(alertname)) return undefined;
  const minutes = Math.max(1, Math.round(lasts / 60_000));
  return {
    field: fieldOf('approval-needed', uid),
    lasts,
    content: {
      ...{ kind: 'approval-needed', operarius, uid },
      labels: {
        ...carried(alert.labels),
        alertname: `${shortened(alertname)}ApprovalNeeded`,
        openfero: 'approval-needed',
        openfero_operarius: operarius,
      },
      ...told(
        `OpenFero asks whether to remediate ${alertname}.`,
        `Job ${job} of ${operarius} waits for a person. Unanswered for ${minutes} min, it is deleted. To deny it, delete it.`,
        places,
        {
          job,
          kubectl: `kubectl -n ${places.jobs} patch job ${job} --type=merge -p '{"spec":{"suspend":false}}'`,
          path: 'approvals',
        },
      ),
    },
  };
}

/** Milliseconds: a year. It is over when the operarius is re-armed. */
const UNTIL_REARMED = 365 * 24 * 3_600_000;

/** The alert `OpenFeroOperariusStopped`. @param stopFor milliseconds, 0 until it is re-armed */
export function operariusStopped(operarius: string, stopFor: number, places: Places): ToRaise {
  return {
    field: fieldOf('stopped', operarius),
    lasts: stopFor === 0 ? UNTIL_REARMED : stopFor,
    content: {
      ...{ kind: 'stopped', operarius },
      labels: {
        alertname: 'OpenFeroOperariusStopped',
        namespace: places.configMaps,
        ...{ severity: 'warning', openfero: 'stopped', openfero_operarius: operarius },
      },
      ...told(
        `OpenFero has stopped ${operarius}.`,
        'Its latest Jobs failed, or their alerts still fire. Until it is re-armed or the time is over, its remediations end as stopped. Correct it, or annotate it.',
        places,
        {
          kubectl: `kubectl -n ${places.configMaps} annotate configmap ${operarius} openfero.io/rearm="$(date -Is)" --overwrite`,
          path: 'operarii',
        },
      ),
    },
  };
}

/** Of a name or value, in characters; and of all labels together, in bytes. */
const LONGEST_VALUE = 1_000;
const MOST_BYTES = 8 * 1024;

const shortened = (text: string): string => cut(text, LONGEST_VALUE).toWellFormed();

/** Only by its whole name an alert can be asked for. */
const isWhole = (name: string): boolean => name === shortened(name);

/** Labels of an alert, the shortest first as far as there is room: routes look at short ones. */
function carried(labels: Texts): Texts {
  let left = MOST_BYTES;
  const kept = Object.entries(labels)
    .map(([name, value]) => [name, shortened(value)] as const)
    .sort(([a, x], [b, y]) => a.length + x.length - (b.length + y.length))
    .filter(([name, value]) => {
      left -= bytesOf(name) + bytesOf(value);
      return left >= 0 && name.isWellFormed();
    });
  return Object.fromEntries(kept);
}

function told(
  summary: string,
  description: string,
  { dashboard }: Places,
  { path, ...rest }: { readonly kubectl: string; readonly path: string; readonly job?: string },
): Pick<RaisedContent, 'annotations' | 'url'> {
  const url = dashboard === undefined ? undefined : `${dashboard}/${path}`;
  return {
    annotations: {
      summary: plain(summary),
      description: plain(description),
      ...rest,
      ...(url !== undefined && { dashboard: url }),
    },
    ...(url !== undefined && { url }),
  };
}

/** One bounded line without control characters: what others wrote is quoted in it. */
const plain = (text: string): string =>
  oneLine(text)
    .replaceAll(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, ' ')
    .toWellFormed();

/** Of a path of the dashboard. */
const segment = (text: string): string => encodeURIComponent(text.toWellFormed());
