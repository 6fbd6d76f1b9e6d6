import type { Alert, AlertStatus } from '@openfero/core/alert';
import { messageOf } from '@openfero/core/errors';
import { isObject } from '@openfero/core/kubernetes';
import { NotANotification, readNotification } from '@openfero/core/notification';
import { RejectedAlert, type Rejection, readAlert } from '@openfero/core/read-alert';
import { carriedPart } from '@openfero/core/render/carried';
import { RefusedBody } from './body.ts';
import { LISTED, LOGGED_ALERTNAME, MOST_ALERTS } from './limits.ts';

/** What a notification says, judged. Nothing of it refers to the parsed body, which takes much more. */
export interface Judged {
  readonly groupKey: string;
  readonly groupStatus: AlertStatus | undefined;
  readonly externalURL: string;
  readonly truncated: number;
  /** The valid ones, as the queue will carry them. */
  readonly alerts: readonly Alert[];
  readonly rejected: Rejected;
  /** What is wrong but decides nothing: the first {@link LISTED}. */
  readonly warnings: readonly string[];
}

export interface Rejected {
  readonly counts: ReadonlyMap<Rejection, number>;
  /** The first {@link LISTED}: a body of 3 MiB can have a million. */
  readonly list: readonly RejectedEntry[];
}

/** An invalid alert in the answer and in the log. */
export interface RejectedEntry {
  readonly index: number;
  readonly alertname?: string;
  readonly reason: string;
}

/**
 * Judges each alert of a notification on its own: an invalid one does not hold up its group.
 *
 * @param body JSON
 * @param receivedAt milliseconds since 1970, for alerts that do not say when they started
 * @throws {NotANotification}
 * @throws {RefusedBody} if it has too many alerts
 */
export function judge(body: string, receivedAt: number): Judged {
  const warnings: string[] = [];
  const warn = (warning: string): void => {
    if (warnings.length < LISTED) warnings.push(warning);
  };
  const notification = readNotification(parse(body), warn);
  if (notification.alerts.length > MOST_ALERTS) throw tooMany(notification.alerts.length);
  let index = 0;
  const reading = {
    groupStatus: notification.status,
    receivedAt,
    warn: (warning: string) => warn(`alerts[${index}]: ${warning}`),
  };
  const alerts: Alert[] = [];
  const rejected = createRejected();
  for (const value of notification.alerts) {
    const alert = readAlert(value, reading);
    if (alert instanceof RejectedAlert) rejected.add(index, value, alert);
    else alerts.push(carriedPart(alert));
    index += 1;
  }
  const { groupKey, externalURL, status: groupStatus, truncatedAlerts: truncated } = notification;
  return { groupKey, groupStatus, externalURL, truncated, alerts, rejected, warnings };
}

function tooMany(alerts: number): RefusedBody {
  return new RefusedBody(
    413,
    `the notification has ${alerts} alerts, more than ${MOST_ALERTS}: set max_alerts in the webhook_config of Alertmanager, or group by more labels`,
  );
}

function createRejected(): Rejected & {
  add(index: number, value: unknown, alert: RejectedAlert): void;
} {
  const counts = new Map<Rejection, number>();
  const list: RejectedEntry[] = [];
  return {
    counts,
    list,
    add(index, value, { rejection, reason }) {
      counts.set(rejection, (counts.get(rejection) ?? 0) + 1);
      if (list.length < LISTED) list.push({ index, ...alertnameOf(value), reason });
    },
  };
}

function alertnameOf(value: unknown): { alertname?: string } {
  const labels = isObject(value) ? value['labels'] : undefined;
  const alertname = isObject(labels) ? labels['alertname'] : undefined;
  return typeof alertname === 'string' ? { alertname: alertname.slice(0, LOGGED_ALERTNAME) } : {};
}

function parse(body: string): unknown {
  if (body === '') throw new NotANotification('the body is empty');
  try {
    // A byte order mark is no JSON, but some programs of Windows write one.
    return JSON.parse(body.startsWith('\ufeff') ? body.slice(1) : body);
  } catch (error) {
    throw new NotANotification(`the body is not JSON (${messageOf(error)})`);
  }
}
