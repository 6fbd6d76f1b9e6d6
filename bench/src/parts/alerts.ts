import { createHash } from 'node:crypto';

/** Realistic alerts: seven labels, two annotations, 1.1 KiB in a notification of one. */
export interface Alerts {
  /** Distinguishes this lot from all others: it is part of the labels, so that no alert repeats. */
  readonly lot: string;
  readonly count: number;
  /** How many operarii they are spread over. */
  readonly operarii: number;
  /** Have no operarius. */
  readonly undefinedOnes?: boolean;
}

export const alertname = (operarius: number): string => `BenchQuotaAlmostFull${operarius}`;

const STARTS_AT = new Date(Date.now() - 60_000).toISOString();

/** One alert as Alertmanager sends it. */
export function alertOf(
  { lot, operarii, undefinedOnes }: Alerts,
  index: number,
): Record<string, unknown> {
  const namespace = `namespace-${lot}-${index}`;
  return {
    status: 'firing',
    labels: {
      alertname: undefinedOnes ? `Unknown${index % 100}` : alertname(index % operarii),
      cluster: 'dev-dmz',
      namespace,
      resource: 'requests.cpu',
      severity: 'info',
      stage: 'dev',
      zone: 'dmz',
    },
    annotations: {
      description: `Namespace ${namespace} is using 92.85% of its requests.cpu quota.`,
      summary: 'Namespace quota is going to be full.',
    },
    startsAt: STARTS_AT,
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: 'http://prometheus.example.com/graph?g0.expr=kube_resourcequota&g0.tab=1',
    fingerprint: fingerprintOf(lot, index),
  };
}

/** The bodies of the notifications, each with `size` alerts. */
export function notificationsOf(alerts: Alerts, size: number): string[] {
  const indexes = Array.from({ length: alerts.count }, (_, index) => index);
  return Array.from({ length: Math.ceil(alerts.count / size) }, (_, number) => {
    const members = indexes.slice(number * size, (number + 1) * size);
    return notificationOf(
      members.map((index) => alertOf(alerts, index)),
      `{}:{lot="${alerts.lot}",number="${number}"}`,
    );
  });
}

export function notificationOf(alerts: readonly unknown[], groupKey: string): string {
  return JSON.stringify({
    receiver: 'openfero',
    status: 'firing',
    alerts,
    groupLabels: {},
    commonLabels: { cluster: 'dev-dmz', severity: 'info', stage: 'dev' },
    commonAnnotations: {},
    externalURL: 'http://alertmanager.example.com',
    version: '4',
    groupKey,
    truncatedAlerts: 0,
  });
}

/** The label openfero.io/fingerprint of the alert's Job. */
export function fingerprintOf(lot: string, index: number): string {
  return createHash('sha1').update(`${lot}/${index}`).digest('hex').slice(0, 16);
}
