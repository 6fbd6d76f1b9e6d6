import { Job, type JobType, Queue, type QueueOptions } from 'bullmq';
import type { Logger } from './log.ts';
import type { RedisConnection } from './redis.ts';

/** skipMetasUpdate: opening the queue writes nothing to Redis. */
type OpenOptions = Pick<QueueOptions, 'prefix' | 'defaultJobOptions' | 'skipMetasUpdate'>;

/**
 * Nobody reads BullMQ's stream of events, and it cannot be turned off. At its own bound of 10,000 it
 * took 66 MB, since an event repeats the result. BullMQ trims it to twice this at most.
 */
export const EVENTS_KEPT = 100;

/**
 * Opens a BullMQ queue to add to it or to look at it. Close it before the connection, which it
 * shares and leaves open.
 *
 * @param redis of the kind producer
 */
export function openQueue(
  redis: RedisConnection,
  name: string,
  options: OpenOptions,
  log: Logger,
): Queue {
  const queue = new TolerantQueue(name, {
    ...options,
    connection: redis,
    streams: { events: { maxLen: EVENTS_KEPT } },
    // The check is one INFO. If it fails once, the queue is broken until a restart.
    skipVersionCheck: true,
  });
  // The connection reports its own errors.
  queue.on('error', (error) => log.debug({ err: error }, 'error of the queue'));
  return queue;
}

export interface Range {
  /** Counted from 0; the last one included. */
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  /** Newest first unless this is true. */
  readonly ascending?: boolean;
}

/**
 * Reads jobs one after the other. BullMQ's getJobs() reads them all at once, and payloads can be large:
 * keep no more of each than is needed.
 */
export async function* jobsIn(
  queue: Queue,
  states: JobType[],
  { start, end = -1, ascending }: Range,
): AsyncGenerator<Job> {
  for (const id of await queue.getRanges(states, start, end, ascending)) {
    const job = await queue.getJob(id);
    // Removed meanwhile.
    if (job !== undefined) yield job;
  }
}

/** A job whose data is not JSON would break every list that it is in, so nobody could remove it. */
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
