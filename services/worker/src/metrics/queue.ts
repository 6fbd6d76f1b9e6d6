import { HELD_REASONS } from '@openfero/core/outcome';
import { key } from '@openfero/core/redis/keys';
import { QUEUE } from '@openfero/core/redis/remediation';
import type { RedisConnection } from '@openfero/service/redis';
import { registerScraped, whileReady } from '@openfero/service/scraped';
import type { Queue } from 'bullmq';
import type { Registry } from 'prom-client';
import type { Places } from '../redis/places.ts';

const STATES = ['waiting', 'active', 'delayed', 'completed', 'failed'] as const;

export interface ObservedQueue {
  readonly queue: Queue;
  readonly redis: RedisConnection;
  readonly prefix: string;
  readonly places: Pick<Places, 'countHeld'>;
}

/** Registers what waits in the queue, and for what. */
export function registerQueueMetrics(metrics: Registry, observed: ObservedQueue): void {
  const { queue, redis } = observed;
  const ask = <T>(question: () => Promise<T>): Promise<T | undefined> =>
    whileReady(redis, question);
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_queue_remediations',
      help: 'Remediations in the queue by BullMQ state. Completed ones are kept for 24 hours and failed ones for 7 days, 10,000 of each at most. The same in every worker.',
      labelNames: ['state'],
    },
    async () => {
      const counts = await ask(() => queue.getJobCounts(...STATES));
      return counts && STATES.map((state) => [{ state }, counts[state] ?? 0]);
    },
  );
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_queue_oldest_waiting_seconds',
      help: 'Age of the oldest remediation that waits for a worker, without held and delayed ones. The same in every worker.',
    },
    async () => {
      const age = await ask(() => oldestWaiting(observed));
      return age && age / 1000;
    },
  );
  registerHeld(metrics, observed);
}

function registerHeld(metrics: Registry, { redis, places }: ObservedQueue): void {
  const count = shared(() => whileReady(redis, () => places.countHeld(HELD_REASONS)));
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_remediations_held',
      help: 'Remediations that wait although a worker has looked at them. The same in every worker.',
      labelNames: ['reason'],
    },
    async () => [...((await count()) ?? [])].map(([reason, held]) => [{ reason }, held.count]),
  );
  registerScraped(
    metrics,
    {
      type: 'gauge',
      name: 'openfero_held_oldest_seconds',
      help: 'How long the remediation that has been held longest for this reason has been held, 0 if none is. The same in every worker.',
      labelNames: ['reason'],
    },
    async () =>
      [...((await count()) ?? [])].map(([reason, held]) => [{ reason }, held.oldest / 1000]),
  );
}

/** Two metrics of one scrape ask once. */
function shared<T>(question: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | undefined;
  return () => {
    pending ??= question().finally(() => {
      pending = undefined;
    });
    return pending;
  };
}

/** Milliseconds; BullMQ's waiting list is taken from its end. */
async function oldestWaiting({ redis, prefix }: ObservedQueue): Promise<number> {
  const id = await redis.lindex(key(prefix, QUEUE, 'wait'), -1);
  if (id === null) return 0;
  const added = await redis.hget(key(prefix, QUEUE, id), 'timestamp');
  return added === null ? 0 : Math.max(0, Date.now() - Number(added));
}
