import type { Alert } from '../alert.ts';

/** Of an alert, what it is asked for by. */
export type AskedAlert = Pick<Alert, 'labels' | 'fingerprint' | 'truncated'>;

/** Below the 1,024 at which render cuts the annotation of a Job. */
const LONGEST_NAME = 1_000;

/** The alert of a Job, from what its annotations and labels say of it. */
export function alertOfJob(job: {
  readonly alertname: string;
  readonly fingerprint: string;
}): AskedAlert {
  const { alertname, fingerprint } = job;
  const alert = { labels: { alertname }, fingerprint };
  const isWhole = alertname.length <= LONGEST_NAME;
  return isWhole ? alert : { ...alert, truncated: { labels: ['alertname'], annotations: [] } };
}

/** Further filters of a question: they only narrow, and a URL has a limit. */
const MAX_FILTERS = 20;

/** Names and values that every version of Alertmanager reads alike, without quoting rules. */
const CLASSIC_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const PLAIN_VALUE = /^[\w.:/-]{1,200}$/;

/**
 * The filters with which Alertmanager's API v2 is asked for alerts of one name. There is no filter by
 * fingerprint: the answer is compared by it.
 *
 * One alert alone is asked for by its plain labels too, so that the answer is short. No other label is: 0.25
 * refuses `"service.name"="x"`, and matchers with UTF-8 names are read in several ways.
 *
 * @param alerts of one alertname
 * @returns one matcher each; none where the receiver has cut the alertname
 */
export function filtersFor(alerts: readonly AskedAlert[]): string[] {
  const [first, ...others] = alerts;
  if (first === undefined || isCut(first, 'alertname')) return [];
  const { alertname = '', ...labels } = first.labels;
  const name = `alertname=${quoted(alertname)}`;
  if (others.some(({ fingerprint }) => fingerprint !== first.fingerprint)) return [name];
  const plain = Object.entries(labels).filter(
    ([label, value]) => CLASSIC_NAME.test(label) && PLAIN_VALUE.test(value) && !isCut(first, label),
  );
  return [
    name,
    ...plain.slice(0, MAX_FILTERS).map(([label, value]) => `${label}=${quoted(value)}`),
  ];
}

const isCut = ({ truncated }: AskedAlert, label: string): boolean =>
  truncated?.labels.includes(label) ?? false;

/** As both parsers of Alertmanager read it: a backslash, a quote and a line break are escaped. */
function quoted(value: string): string {
  const escaped = value.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n');
  return `"${escaped}"`;
}

/**
 * Whether a fingerprint can be found in an answer of Alertmanager. A label of a Job may have held it: any other
 * than Alertmanager's may be cut there.
 */
export const isAlertmanagers = (fingerprint: string): boolean => /^[0-9a-f]{16}$/.test(fingerprint);
