import { fingerprintOf } from '@openfero/core/alert';
import { type Instant, instantOf, NEVER } from '@openfero/core/instant';
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

/** Probability that an alert starts, or resolves, between two flushes. */
const BEGINS = 0.12;
const RESOLVES = 0.12;

export function groupOf(alertname: string, index: number, random: Random): Group {
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
      if (!random.chance(RESOLVES)) return;
      members.set(instance, { ...alert, status: 'resolved', endsAt: now() });
      return;
    }
    // If it resolves and starts again between two flushes, only the firing alert is sent.
    if (random.chance(BEGINS)) begin(instance);
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
