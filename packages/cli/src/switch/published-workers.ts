import { readTime } from '@openfero/core/redis/memory';
import {
  type PublishedWorker,
  readPublishedWorker,
  WORKER_STALE_AFTER,
  workersKey,
} from '@openfero/core/redis/published';
import type { OpenRedis } from '../redis.ts';
import type { Worker } from './workers.ts';

/** A worker as it has published itself, and what that says of the switch. */
export type WorkerInRedis = PublishedWorker & Worker & { readonly namespace: string };

/** What all workers have published, by Redis' clock. */
export async function readPublishedWorkers({
  redis,
  prefix,
}: OpenRedis): Promise<readonly WorkerInRedis[]> {
  const now = readTime(await redis.time());
  const fields = Object.entries(await redis.hgetall(workersKey(prefix)));
  return fields
    .flatMap(([name, text]) => {
      const published = readPublishedWorker(text);
      return published === undefined ? [] : [described(name, published, now)];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function described(name: string, published: PublishedWorker, now: number): WorkerInRedis {
  const { mode, source, version, at } = published;
  const age = Math.max(0, now - at);
  const seconds = Math.round(age / 1000);
  const isAlive = age <= WORKER_STALE_AFTER;
  const says = isAlive
    ? `${mode} (${source}), ${seconds} s ago, version ${version}`
    : `silent for ${seconds} s: make sure that it does not run`;
  return { ...published, name, isAlive, hasSaid: true, says };
}
