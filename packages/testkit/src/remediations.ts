import { randomUUID } from 'node:crypto';
import { type Alert, fingerprintOf } from '@openfero/core/alert';
import { type Instant, instantOf, NEVER } from '@openfero/core/instant';
import {
  occurrenceOf,
  PAYLOAD_VERSION,
  REMEDIATION_OPTIONS,
  type Remediation,
} from '@openfero/core/redis/remediation';

/** When the alerts of the tests start, and an hour before and after. */
export const EARLIER = instantOf(Date.UTC(2026, 10, 22, 3));
export const STARTS = instantOf(Date.UTC(2026, 10, 22, 4));
export const LATER = instantOf(Date.UTC(2026, 10, 22, 5));

/** An alert that begins now: after every Job that was created until then. */
export const startsNow = (): { readonly alert: { readonly startsAt: Instant } } => ({
  alert: { startsAt: instantOf(Date.now()) },
});

export interface RemediationParts {
  readonly id?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly alert?: Partial<Omit<Alert, 'labels'>>;
  readonly group?: Partial<Remediation['group']>;
  readonly receivedAt?: number;
}

/** A remediation as the receiver writes it: of a firing alert, received now. */
export function remediation(alertname: string, parts: RemediationParts = {}): Remediation {
  const labels = { alertname, ...parts.labels };
  return {
    v: PAYLOAD_VERSION,
    id: parts.id ?? randomUUID(),
    receivedAt: parts.receivedAt ?? Date.now(),
    group: { key: '{}:{}', status: 'firing', externalURL: '', ...parts.group },
    alert: {
      status: 'firing',
      annotations: {},
      startsAt: STARTS,
      endsAt: NEVER,
      generatorURL: '',
      fingerprint: fingerprintOf(labels),
      ...parts.alert,
      labels,
    },
  };
}

/** The arguments with which the receiver adds it to the queue. */
export function queued(data: Remediation): Queued {
  const deduplication = { id: occurrenceOf(data.group.key, data.alert) };
  return {
    name: 'remediation',
    data,
    opts: { ...REMEDIATION_OPTIONS, jobId: data.id, deduplication },
  };
}

export interface Queued {
  readonly name: string;
  readonly data: Remediation;
  readonly opts: typeof REMEDIATION_OPTIONS & {
    readonly jobId: string;
    readonly deduplication: { readonly id: string };
  };
}
