import { QUEUE } from '@openfero/core/redis/remediation';
import { Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';

/** BullMQ's queue of remediations, for looking at it. It does not own the connection. */
export function openQueue(redis: Redis, prefix: string): Queue {
  const queue = new TolerantQueue(QUEUE, {
    connection: redis,
    prefix,
    // Its check is an INFO that, failed once, would leave the queue broken until a restart.
    skipVersionCheck: true,
    // Else every start of the dashboard writes to Redis.
    skipMetasUpdate: true,
  });
  // The connection logs its own trouble.
  queue.on('error', () => {});
  return queue;
}

/** Data that is no JSON would break every page that it is on, and so could not be removed. */
class TolerantQueue extends Queue {
  override async getJob(id: string): Promise<Job | undefined> {
    try {
      return await super.getJob(id);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const json = await this.backend.getJobData(id);
      return json && Job.fromJSON(this, { ...json, data: 'null' }, id);
    }
  }
}
