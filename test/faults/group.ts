import { fingerprintOf } from '@openfero/core/alert';
import { type Instant, instantOf, millisecondsOf, NEVER } from '@openfero/core/instant';
import type { Random } from '@openfero/testkit/random';

/** An alert as sent. */
export interface Sent {
  readonly groupKey: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly fingerprint: string;
  readonly status: 'firing' | 'resolved';
  readonly startsAt: Instant;
  readonly endsAt: Instant;
}

/** A group of alerts in Alertmanager. */
export interface Group {
  /** Lets some alerts start, resolve, and start again. */
  change(): void;
  /** What a flush sends: all firing alerts, and those resolved since the last successful flush. */
  alerts(): readonly Sent[];
  /** Records that the alerts were acknowledged. */
  notified(alerts: readonly Sent[]): void;
  notification(alerts: readonly Sent[]): string;
}

/** Alerts in a group. */
const INSTANCES = 8;

/** What the alerts of a group do between two flushes. */
export interface Behaviour {
  /** Probability that an alert starts, or resolves. */
  readonly changes: number;
}

export function groupOf(
  alertname: string,
  index: number,
  { changes }: Behaviour,
  random: Random,
): Group {
  const groupKey = `{}:{alertname="${alertname}", team="${index}"}`;
  const members = new Map<number, Sent>();
  let last = 0;

  /** Never the same twice, since it distinguishes episodes. */
  const now = (): Instant => {
    last = Math.max(last + 1, Date.now());
    return instantOf(last);
  };
  const begin = (instance: number): void => {
    const zone = instance % 2 === 0 ? 'a' : 'b';
    const labels = { alertname, team: `${index}`, instance: `${instance}`, zone };
    const fingerprint = fingerprintOf(labels);
    const times = { startsAt: now(), endsAt: NEVER };
    members.set(instance, { groupKey, labels, fingerprint, status: 'firing', ...times });
  };
  const changeOne = (instance: number): void => {
    const alert = members.get(instance);
    if (alert?.status === 'firing') {
      if (!random.chance(changes)) return;
      members.set(instance, { ...alert, status: 'resolved', endsAt: now() });
      return;
    }
    // If it resolves and starts again between two flushes, only the firing alert is sent.
    if (random.chance(changes)) begin(instance);
  };
  return {
    change() {
      for (let instance = 0; instance < INSTANCES; instance++) changeOne(instance);
    },
    alerts: () => [...members.values()],
    notified(alerts) {
      for (const [instance, alert] of members) {
        if (alert.status === 'resolved' && alerts.includes(alert)) members.delete(instance);
      }
    },
    notification(alerts) {
      const { groupKey = '' } = alerts[0] ?? {};
      const status = alerts.some((one) => one.status === 'firing') ? 'firing' : 'resolved';
      return JSON.stringify({
        version: '4',
        groupKey,
        status,
        externalURL: 'http://alertmanager.example.com',
        alerts: alerts.map(({ groupKey: _, ...alert }) => ({
          ...alert,
          annotations: {},
          generatorURL: '',
        })),
      });
    },
  };
}

/** Milliseconds by which a second source says that everything began earlier. */
const DISAGREE = 1300;

/**
 * The same alerts as a second Prometheus sees them, through an Alertmanager that does not know the first:
 * each with another beginning, in a group of its own.
 */
export function toldAgain(group: Group): Group {
  const acknowledged = new Set<Sent>();
  const seen = new Map<Sent, Sent>();
  const again = (alert: Sent): Sent => {
    const groupKey = `{}/again:${alert.groupKey}`;
    const own = seen.get(alert) ?? { ...alert, groupKey, startsAt: shifted(alert.startsAt) };
    seen.set(alert, own);
    return own;
  };
  return {
    change() {},
    alerts: () =>
      group
        .alerts()
        .map(again)
        .filter((alert) => alert.status === 'firing' || !acknowledged.has(alert)),
    notified(alerts) {
      for (const alert of alerts) acknowledged.add(alert);
    },
    notification: (alerts) => group.notification(alerts),
  };
}

const shifted = (instant: Instant): Instant => instantOf(millisecondsOf(instant) - DISAGREE);
