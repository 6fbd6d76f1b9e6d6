import { REJECTIONS, type Rejection } from '@openfero/core/read-alert';
import { readTime } from '@openfero/core/redis/memory';
import {
  lastNotificationKey,
  readLastNotification,
  readPublishedWorker,
  WORKER_STALE_AFTER,
  workersKey,
} from '@openfero/core/redis/published';
import { startAtZero } from '@openfero/service/metrics';
import type { RedisConnection } from '@openfero/service/redis';
import { registerScraped, whileReady } from '@openfero/service/scraped';
import { Counter, type Registry } from 'prom-client';

/** Every status code of a request that is not only reading. */
const CODES = [200, 400, 401, 404, 405, 413, 415, 500, 503] as const;

export interface ReceiverMetrics {
  readonly notifications: Counter<'code'>;
  /** Acknowledged alerts: after a 5xx, none of the notification. */
  readonly received: Counter<'status'>;
  readonly rejected: Counter<'reason'>;
  readonly absorbed: Counter;
  readonly truncated: Counter;
}

/** Creates the counters of the receiver. Users rely on their names. */
export function createReceiverMetrics(registry: Registry): ReceiverMetrics {
  const registers = [registry];
  const notifications = new Counter({
    name: 'openfero_notifications_total',
    help: 'Notifications received, by status code of the response',
    labelNames: ['code'],
    registers,
  });
  const received = new Counter({
    name: 'openfero_alerts_received_total',
    help: 'Alerts stored in Redis and acknowledged, by status',
    labelNames: ['status'],
    registers,
  });
  const rejected = new Counter({
    name: 'openfero_alerts_rejected_total',
    help: 'Invalid alerts left out of their notification, by reason',
    labelNames: ['reason'],
    registers,
  });
  const absorbed = new Counter({
    name: 'openfero_alerts_absorbed_total',
    help: 'Alerts whose remediation was already waiting or running',
    registers,
  });
  const truncated = new Counter({
    name: 'openfero_alerts_truncated_total',
    help: 'Alerts that the sender left out because of its max_alerts',
    registers,
  });
  startAtZero(notifications, 'code', CODES);
  startAtZero(received, 'status', ['firing', 'resolved']);
  startAtZero(rejected, 'reason', REJECTIONS satisfies readonly Rejection[]);
  return { notifications, received, rejected, absorbed, truncated };
}

/**
 * Registers what else must be alive: a silent Alertmanager looks like a healthy cluster, and without
 * workers the receiver goes on accepting.
 */
export function registerNeighbours(
  metrics: Registry,
  redis: RedisConnection,
  prefix: string,
): void {
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_last_notification_timestamp_seconds',
      help: 'When a receiver last acknowledged a notification, in seconds since 1970, or 0 if none has been. The same in every receiver.',
    },
    async () => {
      const text = await whileReady(redis, () => redis.get(lastNotificationKey(prefix)));
      return text === undefined ? undefined : (readLastNotification(text) ?? 0) / 1000;
    },
  );
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_workers_alive',
      help: 'Workers that have written to Redis in the last 30 seconds. The same in every receiver.',
    },
    () => whileReady(redis, () => countWorkers(redis, prefix)),
  );
}

async function countWorkers(redis: RedisConnection, prefix: string): Promise<number> {
  const [time, workers] = await Promise.all([redis.time(), redis.hgetall(workersKey(prefix))]);
  const oldest = readTime(time) - WORKER_STALE_AFTER;
  const at = Object.values(workers).map((text) => readPublishedWorker(text)?.at ?? 0);
  return at.filter((each) => each >= oldest).length;
}
