import { jobsPath } from '@openfero/testkit/controlplane';
import type { ClusterBed } from './bed.ts';
import { apiClient } from './http.ts';
import { jobBodiesOf } from './jobs.ts';
import { closedLoop, type Load, openLoop } from './load.ts';
import { CREATES } from './system.ts';

/** Jobs/s of the API server alone: the Jobs that a worker would create, as many in flight. */
export async function bareCreates(bed: ClusterBed, count: number): Promise<number> {
  const warm = Math.min(count, 2 * CREATES);
  const { elapsed } = await creating(bed, count + warm, async (create) => {
    // Connections, with their TLS, are not what is measured.
    await closedLoop(warm, CREATES, create);
    return closedLoop(count, CREATES, (index) => create(warm + index));
  });
  return (count * 1000) / elapsed;
}

/** One create at a time, and the next one a moment later. */
export function singleCreates(bed: ClusterBed, count: number): Promise<Load> {
  return creating(bed, count + CREATES, async (create) => {
    await closedLoop(CREATES, 1, create);
    return closedLoop(count, 1, (index) => create(CREATES + index));
  });
}

/** Creates at a steady rate. @param rate per second */
export function steadyCreates(bed: ClusterBed, count: number, rate: number): Promise<Load> {
  return creating(bed, count + CREATES, async (create) => {
    await closedLoop(CREATES, CREATES, create);
    return openLoop(count, rate, (index) => create(CREATES + index));
  });
}

/** Fills a namespace with Jobs. */
export async function fill(bed: ClusterBed, namespace: string, count: number): Promise<void> {
  const client = apiClient(bed, CREATES);
  const bodies = jobBodiesOf({ lot: `present-${bed.next()}`, count, operarii: 1 }, namespace);
  const path = jobsPath(namespace);
  await closedLoop(count, CREATES, (index) => client.create(path, bodies[index] ?? ''));
  await client.close();
}

type Create = (index: number) => Promise<void>;

async function creating(
  bed: ClusterBed,
  count: number,
  work: (create: Create) => Promise<Load>,
): Promise<Load> {
  const namespace = await bed.plane.createNamespace(`bare-${bed.next()}`);
  const bodies = jobBodiesOf({ lot: `bare-${bed.next()}`, count, operarii: 1 }, namespace);
  const client = apiClient(bed, CREATES);
  const path = jobsPath(namespace);
  try {
    return await work((index) => client.create(path, bodies[index] ?? ''));
  } finally {
    await client.close();
  }
}
