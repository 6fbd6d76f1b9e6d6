import { randomUUID } from 'node:crypto';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { QUEUE, REMEDIATION_OPTIONS } from '@openfero/core/redis/remediation';
import { Queue } from 'bullmq';
import { type Kind, type Means, oneOf } from '../fault.ts';

/** What people do to the queue by the dashboard, and what a newer release puts into it. */
export const PEOPLE: readonly Kind[] = [
  {
    name: 'a person retries a remediation',
    at: ['people', 'redis'],
    async run(means) {
      const id = await someFailed(means);
      if (id === undefined) return;
      const at = Date.now();
      if (await put(means, `${id}/retry`)) means.people.retries.push({ at, id });
    },
  },
  {
    name: 'a person retries all that failed',
    at: ['people', 'redis'],
    async run(means) {
      // Known before, since an answer may be lost.
      means.people.retries.push({ at: Date.now(), id: undefined });
      await put(means, 'retry/failed');
      means.people.retries.push({ at: Date.now(), id: undefined });
    },
  },
  {
    name: 'a person removes a remediation',
    at: ['people', 'redis'],
    async run(means) {
      await means.witness.look();
      const id = await someFailed(means);
      if (id === undefined || !(await put(means, `${id}/clean`))) return;
      means.people.removed.add(id);
    },
  },
  {
    name: 'a person removes all that failed',
    at: ['people', 'redis'],
    async run(means) {
      // What failed in the seconds before is left by the dashboard: the witness knows the rest.
      await means.witness.look();
      const before = await means.witness.failed();
      await put(means, 'clean/failed');
      const after = new Set(await means.witness.failed());
      for (const id of before.filter((one) => !after.has(one))) means.people.removed.add(id);
    },
  },
  {
    name: 'a payload of a newer version',
    at: ['people', 'redis'],
    async run({ witness, people }) {
      const queue = new Queue(QUEUE, {
        connection: witness.redis,
        prefix: DEFAULT_PREFIX,
        skipVersionCheck: true,
      });
      const id = randomUUID();
      people.newer.add(id);
      await queue.add('remediation', { v: 2, id }, { ...REMEDIATION_OPTIONS, jobId: id });
      await queue.close();
    },
  },
];

async function someFailed({ witness, random }: Means): Promise<string | undefined> {
  const failed = await witness.failed();
  return failed.length === 0 ? undefined : oneOf(random, failed);
}

/** As the page does it. @returns whether it was done, for all we know */
async function put({ stage }: Means, path: string): Promise<boolean> {
  const url = `${stage.dashboard.url}/api/queues/${QUEUE}/${path}`;
  const headers = { 'sec-fetch-site': 'same-origin' };
  const response = await fetch(url, { method: 'PUT', headers }).catch(() => undefined);
  await response?.body?.cancel();
  return response?.ok === true;
}
