import { type Alert, type AlertStatus, fingerprintOf, type Texts } from './alert.ts';
import { type Instant, instantOf, NEVER, parseInstant } from './instant.ts';
import { isObject } from './kubernetes.ts';
import { shown } from './shown.ts';

/** Why an alert is left out: the label `reason` of openfero_alerts_rejected_total. */
export const REJECTIONS = [
  'not-an-object',
  'labels-not-strings',
  'too-many-labels',
  'no-alertname',
  'unknown-status',
  'invalid-starts-at',
] as const;
export type Rejection = (typeof REJECTIONS)[number];

/** An alert that cannot be remediated. */
export class RejectedAlert {
  readonly rejection: Rejection;
  /** One short line for people, which starts with the rejection: what is wrong, and where. */
  readonly reason: string;

  constructor(rejection: Rejection, problem: string) {
    this.rejection = rejection;
    this.reason = `${rejection}: ${problem}`;
  }
}

/** What the alerts of a notification have in common when they are read. */
export interface Reading {
  /** For alerts that have no status of their own. */
  readonly groupStatus: AlertStatus | undefined;
  /** Milliseconds since 1970: for alerts that do not say when they started, or ended. */
  readonly receivedAt: number;
  /** Called with one short line for each thing that is wrong but decides nothing. */
  readonly warn: (warning: string) => void;
}

/**
 * Reads one alert of a notification. Only what decides which remediation runs can reject it: its
 * labels, its status and its start. Anything else that is wrong is ignored, with a warning. null is
 * absent everywhere.
 *
 * @param value what stands in `alerts`
 */
export function readAlert(value: unknown, reading: Reading): Alert | RejectedAlert {
  if (!isObject(value)) return new RejectedAlert('not-an-object', `it is ${shown(value)}`);
  const labels = readLabels(value['labels']);
  if (labels instanceof RejectedAlert) return labels;
  const status = value['status'] ?? reading.groupStatus;
  if (status !== 'firing' && status !== 'resolved') return unknownStatus(status);
  const startsAt = readStart(value['startsAt'], reading);
  if (startsAt instanceof RejectedAlert) return startsAt;
  return {
    status,
    labels,
    annotations: readAnnotations(value['annotations'], reading),
    startsAt,
    endsAt: readEnd(value['endsAt'] ?? value['EndsAt'], status, reading),
    generatorURL: readGenerator(value['generatorURL'], reading),
    fingerprint: readFingerprint(value['fingerprint'], reading) || fingerprintOf(labels),
  };
}

/**
 * Labels, or annotations, of an alert. Real ones have less than a hundred; each of 260,000 in one body
 * takes 0.5 KB, and no Job has room for them.
 */
const MOST_TEXTS = 1000;

function readLabels(given: unknown): Texts | RejectedAlert {
  const value = given ?? {};
  if (!isObject(value)) return new RejectedAlert('labels-not-strings', `labels is ${shown(value)}`);
  const count = Object.keys(value).length;
  if (count > MOST_TEXTS) {
    return new RejectedAlert('too-many-labels', `it has ${count} labels, more than ${MOST_TEXTS}`);
  }
  const labels = areTexts(value) ? value : withoutNulls(value);
  if (!areTexts(labels)) {
    const [name, wrong] = Object.entries(labels).find(([, text]) => typeof text !== 'string') ?? [];
    const problem = `the label ${shown(name)} is ${shown(wrong)}, not a string: put it in quotes`;
    return new RejectedAlert('labels-not-strings', problem);
  }
  if (labels['alertname']) return labels;
  return new RejectedAlert('no-alertname', 'the label "alertname" is missing or empty');
}

function readAnnotations(given: unknown, { warn }: Reading): Texts {
  const value = given ?? {};
  if (!isObject(value)) {
    warn(`annotations is ${shown(value)}, not an object: ignored`);
    return {};
  }
  const count = Object.keys(value).length;
  if (count <= MOST_TEXTS && areTexts(value)) return value;
  if (count > MOST_TEXTS)
    warn(`it has ${count} annotations: those after ${MOST_TEXTS} are ignored`);
  const texts: [string, string][] = [];
  for (const [name, text] of Object.entries(withoutNulls(value)).slice(0, MOST_TEXTS)) {
    if (typeof text === 'string') texts.push([name, text]);
    else warn(`the annotation ${shown(name)} is ${shown(text)}, not a string: ignored`);
  }
  return Object.fromEntries(texts);
}

function areTexts(value: object): value is Texts {
  // Object.entries would make a list of lists: this is called twice for each alert.
  return Object.values(value).every((text) => typeof text === 'string');
}

function withoutNulls(value: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value).filter(([, text]) => text !== null));
}

function unknownStatus(status: unknown): RejectedAlert {
  const problem =
    status === undefined
      ? 'neither the alert nor its notification has a status'
      : `the status is ${shown(status)}`;
  return new RejectedAlert('unknown-status', `${problem}: use "firing" or "resolved"`);
}

function readStart(value: unknown, { receivedAt, warn }: Reading): Instant | RejectedAlert {
  if (!isGiven(value)) {
    warn('startsAt is missing, so the alert starts now: each notification is a new occurrence');
    return instantOf(receivedAt);
  }
  const instant = instantIn(value);
  if (instant !== undefined) return instant;
  const problem = `startsAt is ${shown(value)}: use RFC 3339, for example 2026-01-01T00:00:00Z`;
  return new RejectedAlert('invalid-starts-at', problem);
}

/** Of a firing alert nothing depends on it. A resolved one begins with it, so it needs one. */
function readEnd(value: unknown, status: AlertStatus, { receivedAt, warn }: Reading): Instant {
  const instant = isGiven(value) ? instantIn(value) : NEVER;
  if (instant === undefined) warn(`endsAt is ${shown(value)}, not a time: ignored`);
  if (status === 'firing') return instant ?? NEVER;
  if (instant === NEVER) warn('endsAt is missing, so the alert ends now');
  return instant === undefined || instant === NEVER ? instantOf(receivedAt) : instant;
}

/** Go's programs send their zero time for one that they do not know, templates an empty text. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && value !== ZERO_TIME;
}
const ZERO_TIME = '0001-01-01T00:00:00Z';

function instantIn(value: unknown): Instant | undefined {
  return typeof value === 'string' ? parseInstant(value) : undefined;
}

function readGenerator(given: unknown, { warn }: Reading): string {
  const value = given ?? '';
  if (typeof value === 'string') return value;
  warn(`generatorURL is ${shown(value)}, not a string: ignored`);
  return '';
}

/** Alertmanager's has 16 characters; another sender may use a longer digest. */
const LONGEST_FINGERPRINT = 128;

/** @returns '' where there is none */
function readFingerprint(given: unknown, { warn }: Reading): string {
  const value = given ?? '';
  if (typeof value === 'string' && value.length <= LONGEST_FINGERPRINT) return value;
  warn(
    `fingerprint is ${shown(value)}, not a string of at most ${LONGEST_FINGERPRINT} characters: computed from the labels`,
  );
  return '';
}
