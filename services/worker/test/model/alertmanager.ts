import { type Alert, fingerprintOf } from '@openfero/core/alert';
import { type Instant, instantOf, NEVER } from '@openfero/core/instant';
import { occurrenceOf } from '@openfero/core/redis/remediation';
import type { Random } from '@openfero/testkit/random';
import { type Entry, entryOf } from './queue.ts';
import type { World } from './world.ts';

/** Sends what an Alertmanager sends, into the modelled queue as the receiver would. */
export interface Alertmanager {
  /** Every remediation that was ever queued. */
  readonly entries: readonly Entry[];
  send(): void;
}

export const ALERTNAME = 'Model';
const INSTANCES = 3;
const GROUP = '{}:{alertname="Model"}';

/** A few alerts that fire, are sent again, resolve, flap, and move their start back. */
export function alertmanagerOf(world: World, random: Random): Alertmanager {
  const entries: Entry[] = [];
  const starts = new Map<number, number>();

  const queue = (alert: Alert): void => {
    const { status, startsAt, endsAt, fingerprint } = alert;
    world.states.set(fingerprint, { status, startsAt, endsAt, receivedAt: world.now });
    const occurrence = occurrenceOf(GROUP, alert);
    const absorbed = entries.some((one) => one.occurrence === occurrence && one.state !== 'ended');
    if (absorbed || status === 'resolved') return;
    const group = { key: GROUP, status, externalURL: '' };
    const id = `r${entries.length}`;
    entries.push(entryOf({ v: 1, id, receivedAt: world.now, group, alert }, occurrence));
  };

  return {
    entries,
    send() {
      const instance = random.below(INSTANCES);
      const start = starts.get(instance);
      const labels = { alertname: ALERTNAME, instance: String(instance) };
      if (start !== undefined && random.chance(0.2)) {
        starts.delete(instance);
        queue(alertOf(labels, instantOf(start), instantOf(world.now)));
        return;
      }
      // A start that moves back by a second is the same trouble, told by another source.
      const now = start === undefined ? world.now : start - (random.chance(0.1) ? 1000 : 0);
      starts.set(instance, now);
      queue(alertOf(labels, instantOf(now), NEVER));
    },
  };
}

function alertOf(labels: Alert['labels'], startsAt: Instant, endsAt: Instant): Alert {
  return {
    status: endsAt === NEVER ? 'firing' : 'resolved',
    labels,
    annotations: {},
    startsAt,
    endsAt,
    generatorURL: '',
    fingerprint: fingerprintOf(labels),
  };
}
