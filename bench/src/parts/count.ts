import { at, itemsOf, jobsPath } from '@openfero/testkit/controlplane';
import type { ClusterBed } from './bed.ts';

/** How many Jobs a namespace has: one of them is sent, the others are only counted by the server. */
export async function countJobs({ plane }: ClusterBed, namespace: string): Promise<number> {
  const { status, body } = await plane.request('GET', `${jobsPath(namespace)}?limit=1`);
  if (status !== 200) {
    throw new Error(`the API server answered ${status} to a list of Jobs`);
  }
  return itemsOf(body).length + Number(at(body, 'metadata', 'remainingItemCount') ?? 0);
}
