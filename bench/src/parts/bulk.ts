import { QUEUE, REMEDIATION_OPTIONS, type Remediation } from '@openfero/core/redis/remediation';
import { type BulkJobOptions, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import type { Bed } from './bed.ts';
import { remediationsOf } from './jobs.ts';
import { closedLoop } from './load.ts';
import { sendersOf } from './system.ts';

interface Job {
  readonly name: string;
  readonly data: Remediation;
  readonly opts: BulkJobOptions;
}

/** Jobs/s that BullMQ's addBulk alone puts into the same Redis: the payloads of a receiver, as it does. */
export async function bareAdds(bed: Bed, count: number, size: number): Promise<number> {
  const redis = new Redis(bed.redis.url);
  const prefix = `{bulk-${bed.next()}}`;
  const queue = new Queue(QUEUE, {
    ...{ connection: redis, prefix, skipVersionCheck: true },
    defaultJobOptions: REMEDIATION_OPTIONS,
  });
  const jobs = remediationsOf({ lot: prefix, count, operarii: 1 }).map(jobOf);
  const bulks = Array.from({ length: Math.ceil(count / size) }, (_, index) =>
    jobs.slice(index * size, (index + 1) * size),
  );
  const add = async (index: number): Promise<void> => {
    await queue.addBulk(bulks[index] ?? []);
  };
  const { elapsed } = await closedLoop(bulks.length, sendersOf(size), add);
  await queue.close();
  redis.disconnect();
  await forget(bed, prefix);
  return (count * 1000) / elapsed;
}

function jobOf(data: Remediation): Job {
  const { id, alert } = data;
  return {
    name: 'remediation',
    data,
    opts: { jobId: id, deduplication: { id: alert.fingerprint } },
  };
}

/** A full Redis is no slower, but a large one. UNLINK frees beside what is measured. */
export async function forget({ client }: Bed, prefix: string): Promise<void> {
  for await (const keys of client.scanStream({ match: `${prefix}:*`, count: 10_000 })) {
    if (Array.isArray(keys) && keys.length > 0) await client.unlink(...keys);
  }
}
