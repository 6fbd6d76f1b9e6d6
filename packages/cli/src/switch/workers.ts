import type { Mode } from '@openfero/core/operarius/policy';
import { readTime } from '@openfero/core/redis/memory';
import {
  type PublishedWorker,
  readPublishedWorker,
  WORKER_STALE_AFTER,
  workersKey,
} from '@openfero/core/redis/published';
import type { OpenRedis } from '../redis.ts';

/** A worker, and what it says of the switch. */
export interface WorkerState extends PublishedWorker {
  readonly name: string;
  /** Milliseconds since it said so. */
  readonly age: number;
}

/** What all workers say, by Redis' clock. */
export async function readWorkers({ redis, prefix }: OpenRedis): Promise<readonly WorkerState[]> {
  const now = readTime(await redis.time());
  const fields = Object.entries(await redis.hgetall(workersKey(prefix)));
  return fields
    .flatMap(([name, text]) => {
      const worker = readPublishedWorker(text);
      return worker === undefined ? [] : [{ ...worker, name, age: Math.max(0, now - worker.at) }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export const isAlive = ({ age }: WorkerState): boolean => age <= WORKER_STALE_AFTER;

/** Whether a switch is in force: everywhere, not yet everywhere, or why it cannot be said. */
export type InForce =
  | { readonly kind: 'everywhere'; readonly count: number }
  | { readonly kind: 'not-yet'; readonly missing: readonly string[] }
  | { readonly kind: 'unsure'; readonly problems: readonly string[] };

/** Compares what the workers of a namespace say with what was written. */
export function isInForce(
  workers: readonly WorkerState[],
  wanted: Mode,
  namespace: string,
): InForce {
  const own = workers.filter((worker) => worker.namespace === namespace);
  if (own.length === 0) {
    return { kind: 'unsure', problems: [`no worker reads the namespace ${namespace}`] };
  }
  const dead = own.filter((worker) => !isAlive(worker) && worker.mode !== wanted);
  const missing = own.filter((worker) => isAlive(worker) && worker.mode !== wanted);
  if (missing.length > 0) return { kind: 'not-yet', missing: missing.map(describe) };
  const count = own.filter(isAlive).length;
  if (dead.length === 0 && count > 0) return { kind: 'everywhere', count };
  const silent = dead.length > 0 ? dead : own;
  return {
    kind: 'unsure',
    problems: silent.map(
      ({ name, age }) =>
        `worker ${name} has said nothing for ${Math.round(age / 1000)} s: make sure that it does not run`,
    ),
  };
}

function describe({ name, mode, source }: WorkerState): string {
  return `worker ${name} is in mode ${mode} (${source})`;
}
