import { at } from '@openfero/testkit/controlplane';
import type { ClusterBed } from './bed.ts';
import { jobsPath } from './http.ts';

/** How many Jobs a namespace has: one of them is sent, the others are only counted by the server. */
export async function countJobs({ plane }: ClusterBed, namespace: string): Promise<number> {
  const { status, body } = await plane.request('GET', `${jobsPath(namespace)}?limit=1`);
  const items = at(body, 'items');
  if (status !== 200 || !Array.isArray(items)) {
    throw new Error(`the API server answered ${status} to a list of Jobs`);
  }
  return items.length + Number(at(body, 'metadata', 'remainingItemCount') ?? 0);
}
