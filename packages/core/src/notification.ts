import type { AlertStatus } from './alert.ts';
import { digest } from './digest.ts';
import { isObject } from './kubernetes.ts';
import { shown } from './shown.ts';

/** The body of Alertmanager's webhook, version "4", or of Grafana's, version "1". */
export interface Notification {
  /** Identifies the group of alerts; empty where the sender has none. */
  readonly groupKey: string;
  /** For alerts that have no status of their own. */
  readonly status: AlertStatus | undefined;
  /** Where the sender can be reached, or empty. */
  readonly externalURL: string;
  /** How many alerts `max_alerts` of the sender cut off. */
  readonly truncatedAlerts: number;
  /** Each is judged alone by readAlert. */
  readonly alerts: readonly unknown[];
}

/** The body is no notification at all. The message is one line for the sender. */
export class NotANotification extends Error {
  constructor(problem: string) {
    super(`not an Alertmanager notification: ${problem}`);
  }
}

/**
 * Reads a parsed body as a notification: a list of alerts is all it needs. null is absent, further
 * fields are ignored, and so is one that is wrong.
 *
 * @param warn called with one short line for each field that is ignored because it is wrong
 * @throws {NotANotification}
 */
export function readNotification(body: unknown, warn: (warning: string) => void): Notification {
  if (!isObject(body)) throw new NotANotification(whatElse(body));
  checkVersion(body['version'] ?? '4');
  const text = (name: string): string => readText(name, body[name] ?? '', warn);
  return {
    groupKey: bounded(readGroupKey(body['groupKey'] ?? '', warn)),
    status: readStatus(body['status'] ?? undefined, warn),
    externalURL: text('externalURL').slice(0, LONGEST_URL),
    truncatedAlerts: readCount('truncatedAlerts', body['truncatedAlerts'] ?? 0, warn),
    alerts: readAlerts(body['alerts'] ?? undefined),
  };
}

function whatElse(body: unknown): string {
  return Array.isArray(body)
    ? 'the body is a list, as Prometheus sends it to an Alertmanager: let Prometheus send to an Alertmanager, and that to OpenFero with a webhook_config'
    : `the body is ${shown(body)}, not a JSON object`;
}

/** As a number too: the version decides nothing but that the fields are those that we know. */
function checkVersion(version: unknown): void {
  if (VERSIONS.has(version)) return;
  throw new NotANotification(
    `version ${shown(version)} is not supported: expected "4" (Alertmanager) or "1" (Grafana)`,
  );
}
const VERSIONS: ReadonlySet<unknown> = new Set(['4', '1', 4, 1]);

function readAlerts(alerts: unknown): readonly unknown[] {
  if (Array.isArray(alerts) && alerts.length > 0) return alerts;
  const problem = Array.isArray(alerts) ? 'an empty list' : shown(alerts);
  throw new NotANotification(
    `alerts is ${alerts === undefined ? 'missing' : problem}: expected a list of alerts`,
  );
}

/** It tells groups apart, so a number is better than none. */
function readGroupKey(value: unknown, warn: (warning: string) => void): string {
  return typeof value === 'number' ? String(value) : readText('groupKey', value, warn);
}

/**
 * Characters of a group key. Each remediation has it, so that one of a megabyte would take a gigabyte
 * with a thousand alerts. Alertmanager's has the labels of `group_by`, which are much shorter.
 */
const LONGEST_GROUP_KEY = 4096;

/** The same for a URL. */
const LONGEST_URL = 4096;

/** Two keys that differ stay different. */
function bounded(groupKey: string): string {
  if (groupKey.length <= LONGEST_GROUP_KEY) return groupKey;
  const hash = digest(groupKey);
  return `${groupKey.slice(0, LONGEST_GROUP_KEY - hash.length - 1)}-${hash}`;
}

function readStatus(status: unknown, warn: (warning: string) => void): AlertStatus | undefined {
  if (status === 'firing' || status === 'resolved') return status;
  if (status !== undefined) warn(`status is ${shown(status)}: ignored`);
  return undefined;
}

function readText(name: string, value: unknown, warn: (warning: string) => void): string {
  if (typeof value === 'string') return value;
  warn(`${name} is ${shown(value)}, not a string: ignored`);
  return '';
}

/** No group of alerts is larger, and a counter to which more is added loses its accuracy. */
const HIGHEST_COUNT = 1e9;

function readCount(name: string, value: unknown, warn: (warning: string) => void): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= HIGHEST_COUNT)
    return value;
  warn(`${name} is ${shown(value)}, not a count: ignored`);
  return 0;
}
