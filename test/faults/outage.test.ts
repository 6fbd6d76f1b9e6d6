import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fingerprintOf } from '@openfero/core/alert';
import { instantOf, NEVER } from '@openfero/core/instant';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import {
  occurrenceOf,
  QUEUE,
  REMEDIATION_OPTIONS,
  type Remediation,
} from '@openfero/core/redis/remediation';
import { at, type Cluster } from '@openfero/testkit/controlplane';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { openControlPlane, startClusterSystem, withoutControlPlane } from '../cluster-system.ts';
import { operariusOf } from '../system.ts';
import { allJobs, startKubelet } from './kubelet.ts';

const OLD = 9_750;
const YOUNG = 250;
const MAX_ACTIVE = 20;
const MINUTE = 60_000;

describe('after an hour without workers', await withoutControlPlane(), () => {
  let plane: Cluster;
  let stop: () => Promise<void> = async () => {};

  before(async () => {
    ({ plane, stop } = await openControlPlane());
  });
  after(() => stop());

  it(`of ${OLD + YOUNG} that wait, ${YOUNG} in time run, ${MAX_ACTIVE} at once, and the rest ends as expired`, async (t) => {
    const namespace = await plane.createNamespace();
    const kubeconfig = plane.adminKubeconfig;
    const system = await startClusterSystem(t, { plane, namespace, kubeconfig });
    await system.define(managedByTheTest(operariusOf('Many', { annotations: POLICY })));
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

const POLICY = { 'openfero.io/max-active': String(MAX_ACTIVE) };

/** Its Jobs are left alone by the Job controller: it would start pods that no node runs. */
function managedByTheTest(operarius: string): string {
  return operarius.replace('\\"spec\\":{', '\\"spec\\":{\\"managedBy\\":\\"example.com/test\\",');
}

/** Puts remediations into the queue as a receiver did, long ago. */
async function wait(queue: Queue, count: number, receivedAt: (i: number) => number) {
  const jobs = Array.from({ length: count }, (_, i) => {
    const data = remediationOf(`${count}-${i}`, receivedAt(i));
    const deduplication = { id: occurrenceOf(data.group.key, data.alert) };
    return {
      name: 'remediation',
      data,
      opts: { ...REMEDIATION_OPTIONS, jobId: data.id, deduplication },
    };
  });
  await queue.addBulk(jobs);
}

function remediationOf(id: string, receivedAt: number): Remediation {
  const labels = { alertname: 'Many', instance: id };
  const times = { startsAt: instantOf(receivedAt - MINUTE), endsAt: NEVER };
  const fingerprint = fingerprintOf(labels);
  const alert = { status: 'firing', labels, fingerprint, ...times } as const;
  return {
    v: 1,
    id: `outage-${id}`,
    receivedAt,
    group: { key: '{}:{}', status: 'firing', externalURL: '' },
    alert: { ...alert, annotations: {}, generatorURL: '' },
  };
}
