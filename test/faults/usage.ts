import { setTimeout as sleep } from 'node:timers/promises';
import { heapOf } from './heap.ts';
import type { Installation } from './installation.ts';
import type { Observer } from './observer.ts';

/** The resources that the services use. */
export interface Usage {
  /** Bytes by service. */
  readonly heap: ReadonlyMap<string, number>;
  /** Connections to Redis, by client name. */
  readonly connections: ReadonlyMap<string, number>;
  readonly watches: number;
}

export async function usageOf(installation: Installation, { redis }: Observer): Promise<Usage> {
  const members = [...installation.receivers, ...installation.workers, installation.dashboard];
  const heaps = members.map(async (one) => [one.name, await heapOf(one.running())] as const);
  const list = String(await redis.client('LIST'));
  const connections = new Map<string, number>();
  for (const [, name = ''] of list.matchAll(/ name=(openfero\S*)/g)) {
    connections.set(name, (connections.get(name) ?? 0) + 1);
  }
  const watches = await watchesOf(installation);
  return { heap: new Map(await Promise.all(heaps)), connections, watches };
}

/** Watches per worker: operarii, the ConfigMap with the global switch, Jobs. */
const WATCHES = 3;

/** Milliseconds in which a watch that ended regularly is opened again. */
const REOPENED = 10_000;

/** The number of open watches, after waiting for the expected number. */
async function watchesOf({ workers }: Installation): Promise<number> {
  const open = (): number => workers.reduce((sum, { api }) => sum + api.openWatches(), 0);
  const limit = Date.now() + REOPENED;
  while (open() !== WATCHES * workers.length && Date.now() < limit) await sleep(50);
  return open();
}
