import { randomUUID } from 'node:crypto';
import { type Alert, fingerprintOf } from '@openfero/core/alert';
import { instantOf, NEVER } from '@openfero/core/instant';
import { operariusName } from '@openfero/core/operarius';
import type { Remediation } from '@openfero/core/redis/remediation';

export interface Definition {
  readonly status?: 'firing' | 'resolved';
  /** Under openfero.io/. */
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** The Job's. */
  readonly job?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** An operarius that runs a Job of one container, as YAML. */
export function definition(alertname: string, of: Definition = {}): string {
  const { status = 'firing', policy = {}, metadata = {}, job = {} } = of;
  const annotations = Object.fromEntries(
    Object.entries(policy).map(([name, value]) => [`openfero.io/${name}`, value]),
  );
  const manifest = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: alertname.toLowerCase(), ...job },
    spec: {
      template: { spec: { containers: [{ name: 'c', image: 'i' }], restartPolicy: 'Never' } },
    },
  };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: operariusName(alertname, status),
      labels: { app: 'openfero' },
      annotations,
      ...metadata,
    },
    data: of.data ?? { [alertname]: JSON.stringify(manifest) },
  });
}

/** When the troubles of the tests begin, and later. */
export const EARLIER = instantOf(Date.UTC(2026, 10, 22, 3));
export const STARTS = instantOf(Date.UTC(2026, 10, 22, 4));
export const LATER = instantOf(Date.UTC(2026, 10, 22, 5));

export interface Firing {
  readonly labels?: Readonly<Record<string, string>>;
  readonly alert?: Partial<Omit<Alert, 'labels'>>;
  readonly group?: Partial<Remediation['group']>;
  readonly receivedAt?: number;
}

/** A remediation as the receiver queues it: firing, received now. */
export function remediation(alertname: string, of: Firing = {}): Remediation {
  const labels = { alertname, ...of.labels };
  return {
    v: 1,
    id: randomUUID(),
    receivedAt: of.receivedAt ?? Date.now(),
    group: { key: '{}:{}', status: 'firing', externalURL: '', ...of.group },
    alert: {
      status: 'firing',
      annotations: {},
      startsAt: STARTS,
      endsAt: NEVER,
      generatorURL: '',
      fingerprint: fingerprintOf(labels),
      ...of.alert,
      labels,
    },
  };
}
