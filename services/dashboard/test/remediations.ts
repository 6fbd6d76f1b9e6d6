import type { Result } from '@openfero/core/outcome';
import { QUEUE, REMEDIATION_OPTIONS, type Remediation } from '@openfero/core/redis/remediation';
import { remediation as remediationOf } from '@openfero/testkit/remediations';
import { type Job, Queue, UnrecoverableError, Worker } from 'bullmq';
import { Redis } from 'ioredis';

/** A remediation of one alertname, unless the labels have another one. */
export const remediation = (id: string, labels: Readonly<Record<string, string>>): Remediation =>
  remediationOf('KubeQuotaAlmostFull', { id, labels });

export interface TestQueue {
  readonly redis: Redis;
  readonly queue: Queue;
  /** Adds one that waits. */
  add(id: string, labels?: Readonly<Record<string, string>>): Promise<void>;
  /** Adds one and lets a worker end it: with a result, or failed by the message. */
  end(id: string, end: Result | string, labels?: Readonly<Record<string, string>>): Promise<void>;
  /** Takes the next one, as a worker that is at work on it. */
  take(): Promise<Job>;
  close(): Promise<void>;
}

/** A queue of a prefix of its own, as receiver and workers use it. */
export function testQueue(url: string, prefix: string): TestQueue {
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  const options = { connection: redis, prefix, skipVersionCheck: true };
  const queue = new Queue(QUEUE, { ...options, defaultJobOptions: REMEDIATION_OPTIONS });
  const add: TestQueue['add'] = async (id, labels = {}) => {
    await queue.add('remediation', remediation(id, labels), { jobId: id });
  };
  const worker = new Worker(QUEUE, null, { ...options, autorun: false });
  const take: TestQueue['take'] = async () => {
    const job = await worker.getNextJob('token');
    if (job === undefined) throw new Error('nothing waits');
    return job;
  };
  return {
    redis,
    queue,
    add,
    take,
    async end(id, end, labels) {
      await add(id, labels);
      const job = await take();
      if (job.id !== id) throw new Error(`${job.id} was first in the queue`);
      if (typeof end === 'string') {
        await job.moveToFailed(new UnrecoverableError(end), 'token', false);
      } else {
        await job.moveToCompleted(end, 'token', false);
      }
    },
    async close() {
      await worker.close();
      await queue.close();
      redis.disconnect();
    },
  };
}
