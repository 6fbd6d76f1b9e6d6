import { setTimeout as sleep } from 'node:timers/promises';
import { heapOf } from './heap.ts';
import type { Stage } from './stage.ts';
import type { Witness } from './witness.ts';

/** What the services hold on to. */
export interface Usage {
  /** Bytes by service. */
  readonly heap: ReadonlyMap<string, number>;
  /** To Redis, by the name that a service gives itself. */
  readonly connections: ReadonlyMap<string, number>;
  readonly watches: number;
}

export async function usageOf(stage: Stage, { redis }: Witness): Promise<Usage> {
  const members = [...stage.receivers, ...stage.workers, stage.dashboard];
  const heaps = members.map(async (one) => [one.name, await heapOf(one.running())] as const);
  const list = String(await redis.client('LIST'));
  const connections = new Map<string, number>();
  for (const [, name = ''] of list.matchAll(/ name=(openfero\S*)/g)) {
    connections.set(name, (connections.get(name) ?? 0) + 1);
  }
  const watches = await watchesOf(stage);
  return { heap: new Map(await Promise.all(heaps)), connections, watches };
}

/** Of operarii, of the ConfigMap with the global switch, and of Jobs. */
const WATCHES = 3;

/** Milliseconds: one that has just ended in order is opened again by then. */
const REOPENED = 10_000;

/** Open watches, once they are as many as they should be or do not become so. */
async function watchesOf({ workers }: Stage): Promise<number> {
  const open = (): number => workers.reduce((sum, { api }) => sum + api.openWatches(), 0);
  const limit = Date.now() + REOPENED;
  while (open() !== WATCHES * workers.length && Date.now() < limit) await sleep(50);
  return open();
}
