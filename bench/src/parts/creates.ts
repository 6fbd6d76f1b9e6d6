import { jobsPath } from '@openfero/testkit/controlplane';
import { apiClient } from './http.ts';
import { jobBodiesOf } from './jobs.ts';
import { closedLoop, type Load, openLoop } from './load.ts';
import { CREATES } from './system.ts';
import type { ClusterTestbed } from './testbed.ts';

/** Jobs/s of the API server alone: the same Jobs and the same concurrency as a worker's. */
export async function bareCreates(testbed: ClusterTestbed, count: number): Promise<number> {
  const warm = Math.min(count, 2 * CREATES);
  const { elapsed } = await creating(testbed, count + warm, async (create) => {
    // Opening connections is not what is measured.
    await closedLoop(warm, CREATES, create);
    return closedLoop(count, CREATES, (index) => create(warm + index));
  });
  return (count * 1000) / elapsed;
}

/** One create at a time. */
export function singleCreates(testbed: ClusterTestbed, count: number): Promise<Load> {
  return creating(testbed, count + CREATES, async (create) => {
    await closedLoop(CREATES, 1, create);
    return closedLoop(count, 1, (index) => create(CREATES + index));
  });
}

/** Creates at a steady rate. @param rate per second */
export function steadyCreates(testbed: ClusterTestbed, count: number, rate: number): Promise<Load> {
  return creating(testbed, count + CREATES, async (create) => {
    await closedLoop(CREATES, CREATES, create);
    return openLoop(count, rate, (index) => create(CREATES + index));
  });
}

/** Fills a namespace with Jobs. */
export async function fill(
  testbed: ClusterTestbed,
  namespace: string,
  count: number,
): Promise<void> {
  const client = apiClient(testbed, CREATES);
  const bodies = jobBodiesOf({ lot: `present-${testbed.next()}`, count, operarii: 1 }, namespace);
  const path = jobsPath(namespace);
  await closedLoop(count, CREATES, (index) => client.create(path, bodies[index] ?? ''));
  await client.close();
}

type Create = (index: number) => Promise<void>;

async function creating(
  testbed: ClusterTestbed,
  count: number,
  work: (create: Create) => Promise<Load>,
): Promise<Load> {
  const namespace = await testbed.plane.createNamespace(`bare-${testbed.next()}`);
  const bodies = jobBodiesOf({ lot: `bare-${testbed.next()}`, count, operarii: 1 }, namespace);
  const client = apiClient(testbed, CREATES);
  const path = jobsPath(namespace);
  try {
    return await work((index) => client.create(path, bodies[index] ?? ''));
  } finally {
    await client.close();
  }
}
