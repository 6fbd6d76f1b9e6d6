import { setTimeout as sleep } from 'node:timers/promises';
import { key } from '@openfero/core/redis/keys';
import { QUEUE } from '@openfero/core/redis/remediation';
import { Queue as BullQueue } from 'bullmq';
import type { Testbed } from './testbed.ts';

/** The queue of one system, seen from outside. */
export interface Queue {
  /** Remediations that have not ended. Costs Redis four commands of a microsecond each. */
  left(): Promise<number>;
  /** Waits until none is left. */
  drained(): Promise<void>;
  /** Waits until at most `count` are left. */
  leftAtMost(count: number): Promise<void>;
  /** Workers take no more remediations, until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Failed remediations; there should be none. */
  failed(): Promise<number>;
}

const POLL_MS = 5;

/** Longer means that something is broken. */
const PATIENCE_MS = 10 * 60_000;

export function queueOf(testbed: Testbed, prefix: string): Queue {
  const { client } = testbed;
  const queue = new BullQueue(QUEUE, { connection: client, prefix, skipVersionCheck: true });
  testbed.defer(() => queue.close());
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
  const leftAtMost = async (count: number): Promise<void> => {
    const deadline = performance.now() + PATIENCE_MS;
    while ((await left()) > count) {
      if (performance.now() > deadline) throw new Error('the queue was not drained in time');
      await sleep(POLL_MS);
    }
  };
  return {
    left,
    leftAtMost,
    drained: () => leftAtMost(0),
    pause: () => queue.pause(),
    resume: () => queue.resume(),
    failed: () => client.zcard(name('failed')),
  };
}
