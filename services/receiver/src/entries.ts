import { randomUUID } from 'node:crypto';
import type { Alert } from '@openfero/core/alert';
import {
  occurrenceOf,
  PAYLOAD_VERSION,
  type Remediation,
  readRemediation,
} from '@openfero/core/redis/remediation';
import type { BulkJobOptions } from 'bullmq';

/** The valid alerts of one notification, and what they have in common. */
export interface Received {
  readonly groupKey: string;
  /** Undefined if the sender gave none: then each alert's own status is used. */
  readonly groupStatus: string | undefined;
  readonly externalURL: string;
  readonly alerts: readonly Alert[];
  /** When the whole body had arrived, by performance.now(): the deadline starts here. */
  readonly since: number;
  /** Records that an alert is queued. @returns what its remediation belongs to in the trace, if any */
  readonly trace: (remediation: string, alert: Alert) => string | undefined;
}

/** An alert, and BullMQ's deduplication id of its occurrence. */
export interface Occurrence {
  readonly id: string;
  readonly alert: Alert;
}

/** A remediation as BullMQ's add and addBulk take it. */
export interface QueueEntry {
  readonly name: string;
  readonly data: Remediation;
  readonly opts: BulkJobOptions;
}

export function occurrencesOf({ groupKey, alerts }: Received): Occurrence[] {
  return alerts.map((alert) => ({ id: occurrenceOf(groupKey, alert), alert }));
}

/** @param receivedAt milliseconds, by Redis' clock */
export function createEntry(
  { groupKey: key, groupStatus, externalURL, trace }: Received,
  { id: deduplicationId, alert }: Occurrence,
  receivedAt: number,
): QueueEntry {
  const id = randomUUID();
  const group = { key, status: groupStatus ?? alert.status, externalURL };
  const traceparent = trace(id, alert);
  return {
    name: 'remediation',
    // Checked as a worker checks it: nothing unreadable is ever written.
    data: readRemediation({
      ...{ v: PAYLOAD_VERSION, id, receivedAt, group, alert },
      ...(traceparent !== undefined && { traceparent }),
    }),
    opts: { jobId: id, deduplication: { id: deduplicationId } },
  };
}
