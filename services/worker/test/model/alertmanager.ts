import { type Alert, fingerprintOf } from '@openfero/core/alert';
import { type Instant, instantOf, NEVER } from '@openfero/core/instant';
import { occurrenceOf } from '@openfero/core/redis/remediation';
import type { Random } from '@openfero/testkit/random';
import { type Entry, entryOf } from './queue.ts';
import type { World } from './world.ts';

/** Sends what Alertmanagers send, into the modelled queue as the receiver would. */
export interface Alertmanager {
  /** Every remediation that was ever queued. */
  readonly entries: readonly Entry[];
  send(): void;
}

export const ALERTNAME = 'Model';
const INSTANCES = 3;

/**
 * Two Prometheus that disagree about a beginning by so many milliseconds. Each has its own Alertmanager,
 * which does not know the other: its groups, and so its occurrences, are its own.
 */
interface Source {
  readonly offset: number;
  readonly group: string;
}
const SOURCES = [
  { offset: 0, group: '{}:{alertname="Model"}' },
  { offset: 1300, group: '{}/other:{alertname="Model"}' },
] as const;

/**
 * A few alerts that fire, are sent again, resolve, flap, and move their start back: told by two sources
 * that disagree, and sometimes again when they are long over.
 */
export function alertmanagerOf(world: World, random: Random): Alertmanager {
  const entries: Entry[] = [];
  const starts = new Map<number, number>();
  const past: { readonly alert: Alert; readonly group: string }[] = [];

  const queue = (alert: Alert, group: string): void => {
    const { status, startsAt, endsAt, fingerprint } = alert;
    world.states.set(fingerprint, { status, startsAt, endsAt, receivedAt: world.now });
    const occurrence = occurrenceOf(group, alert);
    const absorbed = entries.some((one) => one.occurrence === occurrence && one.state !== 'ended');
    if (absorbed || status === 'resolved') return;
    const id = `r${entries.length}`;
    const sent = { v: 1, id, receivedAt: world.now, alert } as const;
    const grouped = { ...sent, group: { key: group, status, externalURL: '' } };
    entries.push(entryOf(grouped, occurrence));
    past.push({ alert, group });
  };

  const resolve = (instance: number, start: number, source: Source): void => {
    starts.delete(instance);
    queue(alertOf(instance, instantOf(start + source.offset), instantOf(world.now)), source.group);
  };
  const fire = (instance: number, known: number | undefined, source: Source): void => {
    // A start that moves back by a second is the same trouble.
    const start = known === undefined ? world.now : known - (random.chance(0.1) ? 1000 : 0);
    starts.set(instance, start);
    // A source that sees it later tells of it later.
    const startsAt = start + source.offset;
    if (startsAt <= world.now) queue(alertOf(instance, instantOf(startsAt), NEVER), source.group);
  };

  return {
    entries,
    send() {
      const late = random.chance(0.05) ? random.pick(past) : undefined;
      if (late !== undefined) {
        queue(late.alert, late.group);
        return;
      }
      const instance = random.below(INSTANCES);
      const source = random.chance(0.5) ? SOURCES[0] : SOURCES[1];
      const start = starts.get(instance);
      if (start !== undefined && random.chance(0.2)) resolve(instance, start, source);
      else fire(instance, start, source);
    },
  };
}

function alertOf(instance: number, startsAt: Instant, endsAt: Instant): Alert {
  const labels = { alertname: ALERTNAME, instance: String(instance) };
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
