import { QUEUE, REMEDIATION_OPTIONS, type Remediation } from '@openfero/core/redis/remediation';
import { type BulkJobOptions, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { remediationsOf } from './jobs.ts';
import { closedLoop } from './load.ts';
import { sendersOf } from './system.ts';
import type { Testbed } from './testbed.ts';

interface Job {
  readonly name: string;
  readonly data: Remediation;
  readonly opts: BulkJobOptions;
}

/** Jobs/s of BullMQ's addBulk alone, with the receiver's payloads and the same Redis. */
export async function bareAdds(testbed: Testbed, count: number, size: number): Promise<number> {
  const redis = new Redis(testbed.redis.url);
  const prefix = `{bulk-${testbed.next()}}`;
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
  await forget(testbed, prefix);
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

/** A large Redis would be slower. UNLINK frees memory in the background. */
export async function forget({ client }: Testbed, prefix: string): Promise<void> {
  for await (const keys of client.scanStream({ match: `${prefix}:*`, count: 10_000 })) {
    if (Array.isArray(keys) && keys.length > 0) await client.unlink(...keys);
  }
}
