import { at, itemsOf, jobsPath } from '@openfero/testkit/controlplane';
import type { ClusterTestbed } from './testbed.ts';

/** How many Jobs a namespace has. The server sends one and counts the others. */
export async function countJobs({ plane }: ClusterTestbed, namespace: string): Promise<number> {
  const { status, body } = await plane.request('GET', `${jobsPath(namespace)}?limit=1`);
  if (status !== 200) {
    throw new Error(`the API server answered ${status} when listing Jobs`);
  }
  return itemsOf(body).length + Number(at(body, 'metadata', 'remainingItemCount') ?? 0);
}
