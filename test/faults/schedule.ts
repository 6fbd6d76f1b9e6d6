import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@openfero/core/errors';
import { type Random, seeded } from '@openfero/testkit/random';
import type { Kind, Means, Place, Promised } from './fault.ts';
import { NETWORK } from './kinds/network.ts';
import { PEOPLE } from './kinds/people.ts';
import { PROCESSES } from './kinds/processes.ts';
import { SERVERS } from './kinds/servers.ts';

/** A fault to come: the seed alone decides about it. */
export interface Planned {
  /** Milliseconds after the start; later where another one is in its way. */
  readonly at: number;
  readonly kind: Kind;
  readonly random: Random;
}

/** A fault that was. */
export interface Happened {
  readonly name: string;
  readonly places: readonly Place[];
  /** Milliseconds since 1970; it goes on while `to` is undefined. */
  readonly from: number;
  to: number | undefined;
}

export interface Recovered {
  readonly of: Promised;
  readonly ms: number;
}

export interface Played {
  readonly happened: readonly Happened[];
  readonly recoveries: readonly Recovered[];
  /** What went otherwise than a fault should: it did not recover, or could not be made. */
  readonly problems: readonly string[];
}

export const KINDS: readonly Kind[] = [...PROCESSES, ...SERVERS, ...NETWORK, ...PEOPLE];

/** Milliseconds before the first. */
const LEAD = 4000;

/** Every kind before any comes again, in an order that the seed shuffles, evenly over the time. */
export function plan(seed: number, kinds: readonly Kind[], count: number, ms: number): Planned[] {
  const random = seeded(seed);
  const deck: Kind[] = [];
  return Array.from({ length: count }, (_, i) => {
    if (deck.length === 0) deck.push(...kinds);
    const [kind] = deck.splice(random.below(deck.length), 1);
    if (kind === undefined) throw new Error('no kinds of faults');
    const at = LEAD + ((ms - LEAD) * (i + random.next())) / count;
    return { at, kind, random: seeded(seed * 1000 + i) };
  });
}

/** Lets the faults happen, each when its places are free. @returns once all are over */
export async function play(
  planned: readonly Planned[],
  common: Omit<Means, 'random' | 'recovery'> & { say(text: string): void },
): Promise<Played> {
  const start = Date.now();
  const happened: Happened[] = [];
  const recoveries: Recovered[] = [];
  const problems: string[] = [];
  const running = new Set<Promise<void>>();
  const isFree = ({ at }: Kind): boolean =>
    !happened.some(({ places, to }) => to === undefined && at.some((one) => places.includes(one)));

  const happen = async ({ kind, random }: Planned): Promise<void> => {
    const fault: Happened = { name: kind.name, places: kind.at, from: Date.now(), to: undefined };
    happened.push(fault);
    common.say(`fault ${happened.length} of ${planned.length}: ${kind.name}`);
    const recovery = stopwatch({ fault, happened, recoveries, problems });
    try {
      await kind.run({ ...common, random, recovery });
    } catch (error) {
      problems.push(`${kind.name}: ${messageOf(error)}`);
    }
    fault.to = Date.now();
  };
  for (const next of planned) {
    await sleep(Math.max(0, start + next.at - Date.now()));
    while (!isFree(next.kind)) await Promise.race([...running, sleep(100)]);
    const one = happen(next).finally(() => running.delete(one));
    running.add(one);
  }
  await Promise.all(running);
  return { happened, recoveries, problems };
}

interface Watched {
  readonly fault: Happened;
  readonly happened: readonly Happened[];
  readonly recoveries: Recovered[];
  readonly problems: string[];
}

/** A time that another server's fault was in the way of proves nothing, short or long. */
function stopwatch({ fault, happened, recoveries, problems }: Watched): Means['recovery'] {
  return async (of, until) => {
    const since = performance.now();
    const from = Date.now();
    const recovered = await until();
    const disturbed = happened.some(
      ({ places, to = Number.POSITIVE_INFINITY, ...other }) =>
        other.from !== fault.from &&
        places.slice(0, 1).some((one) => SERVERS_AT.includes(one)) &&
        to > from,
    );
    if (disturbed) return;
    recoveries.push({ of, ms: Math.round(performance.now() - since) });
    if (!recovered) problems.push(`${fault.name}: it did not recover`);
  };
}

const SERVERS_AT: readonly Place[] = ['redis', 'api server'];
