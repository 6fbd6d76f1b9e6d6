import { REJECTIONS, type Rejection } from '@openfero/core/alert';
import { startAtZero } from '@openfero/service/metrics';
import { Counter, type Registry } from 'prom-client';

/** Every status that POST /alerts answers with. */
const CODES = [200, 400, 401, 408, 413, 415, 500, 503] as const;

export interface ReceiverMetrics {
  readonly notifications: Counter<'code'>;
  /** Alerts that were acknowledged; of a notification that was refused with a 5xx, none. */
  readonly received: Counter<'status'>;
  readonly rejected: Counter<'reason'>;
  readonly absorbed: Counter;
  readonly truncated: Counter;
}

/** The receiver's counters. Their names are contract. */
export function receiverMetrics(registry: Registry): ReceiverMetrics {
  const registers = [registry];
  const notifications = new Counter({
    name: 'openfero_notifications_total',
    help: 'Notifications, by the status code they were answered with',
    labelNames: ['code'],
    registers,
  });
  const received = new Counter({
    name: 'openfero_alerts_received_total',
    help: 'Alerts acknowledged: all of them are in Redis',
    labelNames: ['status'],
    registers,
  });
  const rejected = new Counter({
    name: 'openfero_alerts_rejected_total',
    help: 'Alerts of a notification that are no alerts, by reason',
    labelNames: ['reason'],
    registers,
  });
  const absorbed = new Counter({
    name: 'openfero_alerts_absorbed_total',
    help: 'Alerts whose very occurrence was waiting or running already',
    registers,
  });
  const truncated = new Counter({
    name: 'openfero_alerts_truncated_total',
    help: 'Alerts that the sender cut off by its max_alerts',
    registers,
  });
  startAtZero(notifications, 'code', CODES);
  startAtZero(received, 'status', ['firing', 'resolved']);
  startAtZero(rejected, 'reason', REJECTIONS satisfies readonly Rejection[]);
  return { notifications, received, rejected, absorbed, truncated };
}
