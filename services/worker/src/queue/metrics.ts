import type { Cluster } from '@openfero/cluster/cluster';
import { HELD_REASONS } from '@openfero/core/outcome';
import { checksKey, readCheck } from '@openfero/core/redis/checks';
import { key } from '@openfero/core/redis/keys';
import { QUEUE } from '@openfero/core/redis/remediation';
import type { RedisConnection } from '@openfero/service/redis';
import type { Queue } from 'bullmq';
import { Gauge, type Registry } from 'prom-client';
import type { EpisodeMemory } from '../redis/memory.ts';
import type { Places } from '../redis/places.ts';

const STATES = ['waiting', 'active', 'delayed', 'completed', 'failed'] as const;

export interface Observed {
  readonly queue: Queue;
  readonly redis: RedisConnection;
  readonly prefix: string;
  readonly places: Places;
  readonly memory: EpisodeMemory;
  readonly cluster: Cluster;
}

/**
 * Registers gauges of what all workers share, read when they are scraped. While Redis is unreachable
 * they are left out: a stale number would look like a current one.
 */
export function registerQueueMetrics(metrics: Registry, observed: Observed): void {
  const { queue, redis, places, memory, cluster } = observed;
  const ask = <T>(question: () => Promise<T>): Promise<T | undefined> =>
    unlessAway(redis, question);
  new Gauge({
    name: 'openfero_queue_remediations',
    help: 'Remediations in the queue by BullMQ state. The same in every worker.',
    labelNames: ['state'],
    registers: [metrics],
    async collect() {
      this.reset();
      const counts = await ask(() => queue.getJobCounts(...STATES));
      for (const state of counts === undefined ? [] : STATES) {
        this.set({ state }, counts?.[state] ?? 0);
      }
    },
  });
  new Gauge({
    name: 'openfero_queue_oldest_waiting_seconds',
    help: 'Age of the oldest remediation that waits for a worker, without held and delayed ones. The same in every worker.',
    registers: [metrics],
    async collect() {
      this.reset();
      const age = await ask(() => oldestWaiting(observed));
      if (age === undefined) this.remove();
      else this.set(age / 1000);
    },
  });
  new Gauge({
    name: 'openfero_remediations_held',
    help: 'Remediations that wait although a worker has looked at them. The same in every worker.',
    labelNames: ['reason'],
    registers: [metrics],
    async collect() {
      this.reset();
      const now = await ask(memory.now);
      if (now === undefined) return;
      for (const reason of HELD_REASONS) {
        const held = await ask(() => places.held(reason, now));
        if (held !== undefined) this.set({ reason }, held);
      }
    },
  });
  new Gauge({
    name: 'openfero_operarius_valid',
    help: '1 if the check of the operarius found no problem, else 0. The same in every worker.',
    labelNames: ['operarius'],
    registers: [metrics],
    async collect() {
      this.reset();
      const checks = await ask(() => redis.hgetall(checksKey(observed.prefix)));
      for (const [operarius, text] of Object.entries(checks ?? {})) {
        this.set({ operarius }, readCheck(text)?.problem === undefined ? 1 : 0);
      }
    },
  });
  new Gauge({
    name: 'openfero_watch_age_seconds',
    help: 'Time since the watch was last known to be current',
    labelNames: ['resource'],
    registers: [metrics],
    collect() {
      for (const [resource, age] of Object.entries(cluster.watchAges()))
        this.set({ resource }, age);
    },
  });
}

/**
 * A scrape must not fail because Redis is unreachable: that is when it is needed. Nor may it wait:
 * before its client is first ready, BullMQ's Queue answers nothing at all.
 */
async function unlessAway<T>(
  redis: RedisConnection,
  question: () => Promise<T>,
): Promise<T | undefined> {
  if (redis.status !== 'ready') return undefined;
  try {
    return await question();
  } catch {
    return undefined;
  }
}

/** Milliseconds; BullMQ's waiting list is taken from its end. */
async function oldestWaiting({ redis, prefix }: Observed): Promise<number> {
  const id = await redis.lindex(key(prefix, QUEUE, 'wait'), -1);
  if (id === null) return 0;
  const added = await redis.hget(key(prefix, QUEUE, id), 'timestamp');
  return added === null ? 0 : Math.max(0, Date.now() - Number(added));
}
