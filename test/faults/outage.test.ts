import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { instantOf } from '@openfero/core/instant';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { QUEUE, type Remediation } from '@openfero/core/redis/remediation';
import { at } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import { queued, remediation } from '@openfero/testkit/remediations';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { startClusterSystem } from '../cluster-system.ts';
import { allJobs, startKubelet } from './kubelet.ts';

const OLD = 9_750;
const YOUNG = 250;
const MAX_ACTIVE = 20;
const MINUTE = 60_000;

/** `managedBy` keeps the Job controller from starting Pods, which no node would run. */
const OPERARIUS = definition('Many', {
  policy: { 'max-active': String(MAX_ACTIVE) },
  job: { spec: { managedBy: 'example.com/test' } },
});

await describeOnControlPlane('after an hour without workers', (plane) => {
  it(`of ${OLD + YOUNG} waiting remediations ${YOUNG} run, ${MAX_ACTIVE} at once, and the older ones expire`, async (t) => {
    const system = await startClusterSystem(t, plane);
    const { namespace } = system;
    await system.define(OPERARIUS);
    const redis = new Redis(system.redis.url, { maxRetriesPerRequest: null });
    const queue = new Queue(QUEUE, { connection: redis, prefix: DEFAULT_PREFIX });
    const kubelet = startKubelet(plane, namespace);
    t.after(async () => {
      await kubelet.stop();
      await queue.close();
      redis.disconnect();
    });
    const now = Date.now();
    await wait(queue, OLD, (i) => now - 60 * MINUTE + 4 * i);
    await wait(queue, YOUNG, () => now - MINUTE);

    await Promise.all([system.startWorker(), system.startWorker()]);
    let most = 0;
    while ((await queue.getJobCountByTypes('waiting', 'active', 'delayed')) > 0) {
      const jobs = await system.jobs();
      const unfinished = jobs.filter((job) => at(job, 'status', 'completionTime') === undefined);
      most = Math.max(most, unfinished.length);
      await sleep(100);
    }

    assert.equal(await queue.getCompletedCount(), YOUNG);
    assert.equal(await queue.getFailedCount(), OLD);
    const [failed] = await queue.getFailed(0, 0);
    assert.match(
      failed?.failedReason ?? '',
      /^expired: waited 3\d\d\d s, longer than max-age 15m$/,
    );
    assert.equal((await allJobs(plane, namespace)).length, YOUNG);
    assert.ok(most <= MAX_ACTIVE, `${most} Jobs were unfinished at once`);
  });
});

/** Adds remediations to the queue as a receiver did, long ago. */
async function wait(queue: Queue, count: number, receivedAt: (i: number) => number) {
  const jobs = Array.from({ length: count }, (_, i) =>
    queued(remediationOf(`${count}-${i}`, receivedAt(i))),
  );
  await queue.addBulk(jobs);
}

function remediationOf(instance: string, receivedAt: number): Remediation {
  return remediation('Many', {
    id: `outage-${instance}`,
    labels: { instance },
    alert: { startsAt: instantOf(receivedAt - MINUTE) },
    receivedAt,
  });
}
