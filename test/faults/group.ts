import { fingerprintOf } from '@openfero/core/alert';
import { type Instant, instantOf, NEVER } from '@openfero/core/instant';
import type { Random } from '@openfero/testkit/random';

/** An alert as it was sent. */
export interface Sent {
  readonly groupKey: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly fingerprint: string;
  readonly status: 'firing' | 'resolved';
  readonly startsAt: Instant;
  readonly endsAt: Instant;
}

/** A group of alerts as Alertmanager keeps it. */
export interface Group {
  /** Lets some alerts begin, resolve, and begin again. */
  change(): void;
  /** What a flush sends: all that fires, and what has resolved since the last good one. */
  alerts(): readonly Sent[];
  /** These have been acknowledged. */
  notified(alerts: readonly Sent[]): void;
  notification(alerts: readonly Sent[]): string;
}

/** Alerts that a group can have. */
const INSTANCES = 8;

/** What a flush finds: how likely an alert has begun, and has resolved, since the one before. */
const BEGINS = 0.12;
const RESOLVES = 0.12;

export function groupOf(alertname: string, index: number, random: Random): Group {
  const groupKey = `{}:{alertname="${alertname}", team="${index}"}`;
  const members = new Map<number, Sent>();
  let last = 0;

  /** Never the same twice: it is what tells an episode from the next. */
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
    // One that resolved, and begins again before that was sent, is told of as firing alone.
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
