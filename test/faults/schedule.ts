import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@openfero/core/errors';
import { type Random, seeded } from '@openfero/testkit/random';
import type { Context, Fault, Place, Recovery } from './fault.ts';
import { ALERTMANAGER } from './kinds/alertmanager.ts';
import { NETWORK } from './kinds/network.ts';
import { PEOPLE } from './kinds/people.ts';
import { PROCESSES } from './kinds/processes.ts';
import { SERVERS } from './kinds/servers.ts';

/** A fault to inject, determined by the seed alone. */
export interface PlannedFault {
  /** Milliseconds after the start; later if its place has another fault then. */
  readonly at: number;
  readonly kind: Fault;
  readonly random: Random;
}

/** A fault that was injected. */
export interface PastFault {
  readonly name: string;
  readonly places: readonly Place[];
  /** Milliseconds since 1970. `to` is undefined while the fault lasts. */
  readonly from: number;
  to: number | undefined;
}

export interface Recovered {
  readonly of: Recovery;
  readonly ms: number;
}

export interface Injected {
  readonly past: readonly PastFault[];
  readonly recoveries: readonly Recovered[];
  /** Faults that could not be injected, or did not recover. */
  readonly problems: readonly string[];
}

export const FAULTS: readonly Fault[] = [
  ...PROCESSES,
  ...SERVERS,
  ...NETWORK,
  ...PEOPLE,
  ...ALERTMANAGER,
];

/** Milliseconds before the first fault. */
const LEAD = 4000;

/** Spreads the faults evenly over the time, in an order shuffled by the seed. Every kind comes before any repeats. */
export function plan(
  seed: number,
  kinds: readonly Fault[],
  count: number,
  ms: number,
): PlannedFault[] {
  const random = seeded(seed);
  const deck: Fault[] = [];
  return Array.from({ length: count }, (_, i) => {
    if (deck.length === 0) deck.push(...kinds);
    const [kind] = deck.splice(random.below(deck.length), 1);
    if (kind === undefined) throw new Error('there are no faults to inject');
    const at = LEAD + ((ms - LEAD) * (i + random.next())) / count;
    return { at, kind, random: seeded(seed * 1000 + i) };
  });
}

/** Injects the faults, each when its places are free. @returns when all are over */
export async function inject(
  planned: readonly PlannedFault[],
  common: Omit<Context, 'random' | 'recovery'> & { say(text: string): void },
): Promise<Injected> {
  const start = Date.now();
  const past: PastFault[] = [];
  const recoveries: Recovered[] = [];
  const problems: string[] = [];
  const running = new Set<Promise<void>>();
  const isFree = ({ at }: Fault): boolean =>
    !past.some(({ places, to }) => to === undefined && at.some((one) => places.includes(one)));

  const injectOne = async ({ kind, random }: PlannedFault): Promise<void> => {
    const fault: PastFault = { name: kind.name, places: kind.at, from: Date.now(), to: undefined };
    past.push(fault);
    common.say(`fault ${past.length} of ${planned.length}: ${kind.name}`);
    const recovery = stopwatch({ fault, past, recoveries, problems });
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
    const one = injectOne(next).finally(() => running.delete(one));
    running.add(one);
  }
  await Promise.all(running);
  return { past, recoveries, problems };
}

interface Watched {
  readonly fault: PastFault;
  readonly past: readonly PastFault[];
  readonly recoveries: Recovered[];
  readonly problems: string[];
}

/** Ignores times that a fault of another server distorts. */
function stopwatch({ fault, past, recoveries, problems }: Watched): Context['recovery'] {
  return async (of, until) => {
    const since = performance.now();
    const from = Date.now();
    const recovered = await until();
    const disturbed = past.some(
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
