import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jobsPath } from '@openfero/testkit/controlplane';
import { type MadeJob, madeJob } from './checks.ts';
import { NAMESPACE } from './definitions.ts';
import { allJobs } from './kubelet.ts';
import type { Sender } from './sender.ts';
import type { Stage } from './stage.ts';
import type { Witness } from './witness.ts';

/** What became of the one promise for a Redis that has lost everything. */
export interface Emptied {
  /** Jobs that had been deleted before, so that nothing told of their episodes any more. */
  readonly deleted: number;
  /** Episodes that got one more Job: only such ones may. */
  readonly again: number;
  /** Milliseconds until the first new end. */
  readonly resumed: number;
  readonly problems: readonly string[];
}

const DELETED = 10;

interface Before {
  readonly stage: Stage;
  readonly witness: Witness;
  readonly sender: Sender;
  readonly before: readonly MadeJob[];
}

/**
 * Redis comes back without its file while the Jobs are there, but for a few, and the sender sends
 * what still fires: one more Job for these few at most, none for the others.
 */
export async function emptied({ stage, witness, sender, before }: Before): Promise<Emptied> {
  const { plane, redis } = stage;
  const gone = before.slice(-DELETED);
  for (const { name } of gone) {
    const path = `${jobsPath(NAMESPACE)}/${name}?propagationPolicy=Background`;
    await plane.request('DELETE', path);
  }
  const ended = witness.endings.size;
  await redis.kill();
  await rm(join(redis.dir, 'appendonlydir'), { recursive: true, force: true });
  await redis.restart();
  const since = performance.now();
  await sender.repeat();
  while (witness.endings.size === ended && performance.now() - since < 30_000) {
    await witness.look().catch(() => undefined);
    await sleep(50);
  }
  const resumed = Math.round(performance.now() - since);
  const problems = await emptiedQueue(witness);
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
        .map(({ name }) => `Job ${name} is a second one of its episode`),
    ],
  };
}

async function emptiedQueue(witness: Witness): Promise<string[]> {
  const limit = Date.now() + 60_000;
  let left: Readonly<Record<string, number>> = {};
  while (Date.now() < limit) {
    left = await witness.left();
    const { places: _, ...queue } = left;
    if (Object.values(queue).every((count) => count === 0)) return [];
    await sleep(200);
  }
  return [`after Redis was emptied, not drained: ${JSON.stringify(left)}`];
}
