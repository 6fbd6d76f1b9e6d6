import { randomUUID } from 'node:crypto';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { QUEUE, REMEDIATION_OPTIONS } from '@openfero/core/redis/remediation';
import { Queue } from 'bullmq';
import { type Context, type Fault, oneOf } from '../fault.ts';

/** What people do to the queue in the dashboard, and what a newer release adds to it. */
export const PEOPLE: readonly Fault[] = [
  {
    name: 'a person retries a remediation',
    at: ['people', 'redis'],
    async run(context) {
      await context.observer.look();
      const id = await someFailed(context);
      if (id === undefined) return;
      const at = Date.now();
      if (await put(context, `${id}/retry`)) context.people.retries.push({ at, id });
    },
  },
  {
    name: 'a person retries all that failed',
    at: ['people', 'redis'],
    async run(context) {
      await context.observer.look();
      // Recorded before too, since the answer may be lost.
      context.people.retries.push({ at: Date.now(), id: undefined });
      await put(context, 'retry/failed');
      context.people.retries.push({ at: Date.now(), id: undefined });
    },
  },
  {
    name: 'a person removes a remediation',
    at: ['people', 'redis'],
    async run(context) {
      await context.observer.look();
      const id = await someFailed(context);
      if (id === undefined || !(await put(context, `${id}/clean`))) return;
      context.people.removed.add(id);
    },
  },
  {
    name: 'a person removes all that failed',
    at: ['people', 'redis'],
    async run(context) {
      // The dashboard keeps what failed in the last seconds: the observer has read the rest.
      await context.observer.look();
      const before = await context.observer.failed();
      await put(context, 'clean/failed');
      const after = new Set(await context.observer.failed());
      for (const id of before.filter((one) => !after.has(one))) context.people.removed.add(id);
    },
  },
  {
    name: 'a payload of a newer version',
    at: ['people', 'redis'],
    async run({ observer, people }) {
      const queue = new Queue(QUEUE, {
        connection: observer.redis,
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

async function someFailed({ observer, random }: Context): Promise<string | undefined> {
  const failed = await observer.failed();
  return failed.length === 0 ? undefined : oneOf(random, failed);
}

/** Sends the request of the page. @returns whether it was answered with success */
async function put({ installation }: Context, path: string): Promise<boolean> {
  const url = `${installation.dashboard.url}/queue/api/queues/${QUEUE}/${path}`;
  const headers = { 'sec-fetch-site': 'same-origin' };
  const response = await fetch(url, { method: 'PUT', headers }).catch(() => undefined);
  await response?.body?.cancel();
  return response?.ok === true;
}
