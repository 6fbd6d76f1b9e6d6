import { setTimeout as sleep } from 'node:timers/promises';
import { key } from '@openfero/core/redis/keys';
import { QUEUE } from '@openfero/core/redis/remediation';
import { Queue as BullQueue } from 'bullmq';
import type { Bed } from './bed.ts';

/** The queue of one system, looked at from outside. */
export interface Queue {
  /** Remediations that have not ended. Four commands that cost Redis a microsecond each. */
  left(): Promise<number>;
  /** Waits until none is left. */
  drained(): Promise<void>;
  /** Waits until no more than so many are left. */
  leaves(count: number): Promise<void>;
  /** All workers stop taking, until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Remediations in the failed set: there must be none. */
  failed(): Promise<number>;
}

const POLL_MS = 5;

/** Without an end by then something is broken. */
const PATIENCE_MS = 10 * 60_000;

export function queueOf(bed: Bed, prefix: string): Queue {
  const { client } = bed;
  const queue = new BullQueue(QUEUE, { connection: client, prefix, skipVersionCheck: true });
  bed.defer(() => queue.close());
  const name = (list: string): string => key(prefix, QUEUE, list);
  const left = async (): Promise<number> => {
    const counts = await Promise.all([
      client.llen(name('wait')),
      client.llen(name('paused')),
      client.llen(name('active')),
      client.zcard(name('delayed')),
    ]);
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const leaves = async (count: number): Promise<void> => {
    const deadline = performance.now() + PATIENCE_MS;
    while ((await left()) > count) {
      if (performance.now() > deadline) throw new Error('the queue was not worked off in time');
      await sleep(POLL_MS);
    }
  };
  return {
    left,
    leaves,
    drained: () => leaves(0),
    pause: () => queue.pause(),
    resume: () => queue.resume(),
    failed: () => client.zcard(name('failed')),
  };
}
