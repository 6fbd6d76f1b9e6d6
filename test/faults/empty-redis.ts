import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jobsPath } from '@openfero/testkit/controlplane';
import { type MadeJob, madeJob } from './checks.ts';
import type { Installation } from './installation.ts';
import { allJobs } from './kubelet.ts';
import type { Observer } from './observer.ts';
import { NAMESPACE } from './operarii.ts';
import type { Sender } from './sender.ts';

/** The result after Redis lost all its data. */
export interface EmptyRedis {
  /** Jobs deleted before, so that nothing records their episodes any more. */
  readonly deleted: number;
  /** Episodes that got a second Job. Only those of deleted Jobs may. */
  readonly again: number;
  /** Milliseconds until the next remediation ended. */
  readonly resumed: number;
  readonly problems: readonly string[];
}

const DELETED = 10;

interface Before {
  readonly installation: Installation;
  readonly observer: Observer;
  readonly sender: Sender;
  readonly before: readonly MadeJob[];
}

/**
 * Restarts Redis without its data, after deleting a few Jobs, and sends the firing alerts again. The
 * deleted Jobs may be created again once, the others must not.
 */
export async function emptyRedis({
  installation,
  observer,
  sender,
  before,
}: Before): Promise<EmptyRedis> {
  const { plane, redis } = installation;
  const gone = before.slice(-DELETED);
  for (const { name } of gone) {
    const path = `${jobsPath(NAMESPACE)}/${name}?propagationPolicy=Background`;
    await plane.request('DELETE', path);
  }
  const ended = observer.endings.size;
  await redis.kill();
  await rm(join(redis.dir, 'appendonlydir'), { recursive: true, force: true });
  await redis.restart();
  const since = performance.now();
  await sender.repeat();
  while (observer.endings.size === ended && performance.now() - since < 30_000) {
    await observer.look().catch(() => undefined);
    await sleep(50);
  }
  const resumed = Math.round(performance.now() - since);
  const problems = await drainedAfterwards(observer);
  const now = (await allJobs(plane)).map((job) => madeJob(job, new Map()));
  const known = new Set(before.map(({ name }) => name));
  const episodes = new Set(before.map(({ dedupKey }) => dedupKey));
  const names = new Set(now.map(({ name }) => name));
  const fresh = now.filter(({ name }) => !known.has(name));
  return {
    deleted: gone.length,
    again: gone.filter(({ name }) => names.has(name)).length,
    resumed,
    problems: [
      ...problems,
      ...fresh
        .filter(({ dedupKey }) => episodes.has(dedupKey))
        .map(({ name }) => `Job ${name} is the second one of its episode`),
    ],
  };
}

async function drainedAfterwards(observer: Observer): Promise<string[]> {
  const limit = Date.now() + 60_000;
  let left: Readonly<Record<string, number>> = {};
  while (Date.now() < limit) {
    left = await observer.left();
    const { places: _, ...queue } = left;
    if (Object.values(queue).every((count) => count === 0)) return [];
    await sleep(200);
  }
  return [`not drained after Redis was emptied: ${JSON.stringify(left)}`];
}
