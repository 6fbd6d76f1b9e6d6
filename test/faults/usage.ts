import { readFile } from 'node:fs/promises';
import type { Member, Stage } from './stage.ts';
import type { Witness } from './witness.ts';

/** What the services hold of the machine. */
export interface Usage {
  /** Bytes by service, by Linux' account; empty elsewhere. */
  readonly rss: ReadonlyMap<string, number>;
  /** To Redis, by the name that a service gives itself. */
  readonly connections: ReadonlyMap<string, number>;
  readonly watches: number;
}

const PAGE = 4096;

export async function usageOf(stage: Stage, { redis }: Witness): Promise<Usage> {
  const members = [...stage.receivers, ...stage.workers, stage.dashboard];
  const rss = await Promise.all(members.map(async (one) => [one.name, await rssOf(one)] as const));
  const list = String(await redis.client('LIST'));
  const connections = new Map<string, number>();
  for (const [, name = ''] of list.matchAll(/ name=(openfero\S*)/g)) {
    connections.set(name, (connections.get(name) ?? 0) + 1);
  }
  const watches = stage.workers.reduce((sum, { api }) => sum + api.openWatches(), 0);
  return { rss: new Map(rss), connections, watches };
}

async function rssOf(member: Member): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const [, pages] = (await readFile(`/proc/${member.running().pid}/statm`, 'utf8')).split(' ');
  return Number(pages) * PAGE;
}
