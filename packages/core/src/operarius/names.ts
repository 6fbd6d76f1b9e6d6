import { createHash } from 'node:crypto';
import type { AlertStatus } from '../alert.ts';
import type { ConfigMap } from '../kubernetes.ts';
import { type InvalidOperarius, invalid } from './invalid-operarius.ts';
import { annotationPath, POLICY_ANNOTATIONS } from './policy-names.ts';

/** Kubernetes' limit of a ConfigMap's name, and of a key in it. */
const MAX_NAME = 253;
const HASH_DIGITS = 10;

/**
 * The ConfigMap that an alert asks for: `openfero-<alertname>-<status>` in lower case, and always a
 * name that Kubernetes takes (DNS-1123 subdomain). A run of other characters becomes `-`; a dot stays
 * between two letters or digits. Over 253 characters it is cut, and ends in ten digits of the
 * SHA-256 of the whole, so that long alertnames stay apart.
 */
export function operariusName(alertname: string, status: AlertStatus): string {
  const name = `openfero-${alertname}-${status}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, (run) => (run === '.' ? '.' : '-'));
  if (name.length <= MAX_NAME) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS);
  const start = name.slice(0, MAX_NAME - HASH_DIGITS - 1).replace(/[-.]+$/, '');
  return `${start}-${hash}`;
}

/**
 * The key of the ConfigMap's data that holds the Job where there are several: the alertname in its own
 * case, with `_` for each character that a key may not have.
 *
 * Source: kubernetes, apimachinery/pkg/util/validation.IsConfigMapKey.
 */
export function dataKey(alertname: string): string {
  return alertname
    .replace(/[^-._a-zA-Z0-9]/gu, '_')
    .replace(/^\.$/, '_')
    .replace(/^\.\./, '__')
    .slice(0, MAX_NAME);
}

/** The alerts that a ConfigMap is for. */
export interface Subject {
  readonly status: AlertStatus;
  /** At least one. */
  readonly alertnames: readonly string[];
  /** Whether these are all of them, letter by letter. Else every alertname that leads to the ConfigMap's name is meant. */
  readonly exact: boolean;
}

const STATUSES: readonly AlertStatus[] = ['firing', 'resolved'];

/**
 * The alerts that a ConfigMap is for, as known before an alert comes. With the annotation
 * `openfero.io/alertname` it is for that alertname, and the end of its name says for which status.
 * Without, its name says both.
 *
 * @throws {InvalidOperarius} where it is for none, and would never run
 */
export function subjectOf(configMap: ConfigMap): Subject {
  const meant: unknown = configMap.metadata.annotations?.[POLICY_ANNOTATIONS.alertname];
  return meant === undefined ? subjectByName(configMap) : subjectByAnnotation(configMap, meant);
}

function subjectByAnnotation({ metadata }: ConfigMap, meant: unknown): Subject {
  const alertname = String(meant);
  if (alertname === '' || alertname.trim() !== alertname) {
    const place = `ConfigMap ${metadata.namespace}/${metadata.name}`;
    const message = `annotation ${POLICY_ANNOTATIONS.alertname} is ${JSON.stringify(alertname.slice(0, 100))}`;
    const fix = 'write the exact name of the alert, without spaces around it';
    throw invalid('policy', place, message, fix).at(annotationPath(POLICY_ANNOTATIONS.alertname));
  }
  const status =
    statusAtEnd(metadata.name) ??
    STATUSES.find((each) => operariusName(alertname, each) === metadata.name);
  if (status === undefined) throw wrongName(metadata);
  return { status, alertnames: [alertname], exact: true };
}

function subjectByName({ metadata, data = {} }: ConfigMap): Subject {
  const { name } = metadata;
  const keys = Object.keys(data);
  const status = statusOf(name, keys);
  if (status === undefined) throw wrongName(metadata);
  const leading = keys.filter((key) => operariusName(key, status) === name);
  const stem = name.slice('openfero-'.length, -`-${status}`.length);
  const alertnames = leading.length > 0 ? leading : [stem];
  return { status, alertnames, exact: keys.length > 1 };
}

/** A long alertname leaves no status at the end of the name: only its data key tells. */
function statusOf(name: string, keys: readonly string[]): AlertStatus | undefined {
  const status = statusAtEnd(name);
  if (status === undefined) {
    return STATUSES.find((each) => keys.some((key) => operariusName(key, each) === name));
  }
  const stem = name.slice('openfero-'.length, -`-${status}`.length);
  // A name that every alertname without a Latin letter leads to says nothing.
  return stem !== '' && operariusName(stem, status) === name ? status : undefined;
}

function statusAtEnd(name: string): AlertStatus | undefined {
  return STATUSES.find((status) => name.endsWith(`-${status}`));
}

/** kustomize's configMapGenerator appends ten letters and digits. */
const WITH_SUFFIX = /^(.+-(?:firing|resolved))-[a-z0-9]{10}$/;

const NAME = 'metadata.name';

function wrongName({ name, namespace, annotations }: ConfigMap['metadata']): InvalidOperarius {
  const place = `ConfigMap ${namespace}/${name}`;
  const never = 'its name leads to no alert, so it never runs';
  const withoutSuffix = WITH_SUFFIX.exec(name)?.[1];
  if (withoutSuffix !== undefined) {
    const fix = `its name should be ${withoutSuffix} (kustomize: generatorOptions.disableNameSuffixHash: true)`;
    return invalid('name', place, never, fix).at(NAME);
  }
  if (name !== name.toLowerCase() && statusAtEnd(name.toLowerCase()) !== undefined) {
    return invalid('name', place, never, `call it ${name.toLowerCase()}`).at(NAME);
  }
  if (STATUSES.some((status) => name === `openfero-${status}`)) {
    const fix = `name the alert in the annotation ${POLICY_ANNOTATIONS.alertname}`;
    return invalid('name', place, `${never}: it contains no alertname`, fix).at(NAME);
  }
  const annotated = annotations?.[POLICY_ANNOTATIONS.alertname] !== undefined;
  return invalid(
    'name',
    place,
    never,
    annotated
      ? `with the annotation ${POLICY_ANNOTATIONS.alertname}, end it in -firing or -resolved`
      : `call it openfero-<alertname>-firing or -resolved in lower case, or name the alert in the annotation ${POLICY_ANNOTATIONS.alertname}`,
  ).at(NAME);
}

/** Whether a ConfigMap without the label of an operarius was meant to be one. */
export function isMeantAsOperarius({ name, annotations }: ConfigMap['metadata']): boolean {
  if (annotations?.[POLICY_ANNOTATIONS.alertname] !== undefined) return true;
  return (
    name.startsWith('openfero-') && (statusAtEnd(name) !== undefined || WITH_SUFFIX.test(name))
  );
}

/** More names would not make a message clearer. */
const MAX_LISTED = 5;

/** Some of many names, for a message. */
export function listed(names: readonly string[], none = 'none'): string {
  if (names.length === 0) return none;
  const more = names.length > MAX_LISTED ? ` and ${names.length - MAX_LISTED} more` : '';
  return `${names.slice(0, MAX_LISTED).join(', ')}${more}`;
}
