import assert from 'node:assert/strict';
import { it } from 'node:test';
import { at, finishJob } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import { until } from '@openfero/testkit/until';
import { startClusterSystem } from './cluster-system.ts';
import { drained, notificationOf } from './system.ts';

const WORKERS = 4;
const ALERTS = 500;
const MAX_ACTIVE = 20;

await describeOnControlPlane('limits on a real API server', (plane) => {
  it(`are kept exactly by ${WORKERS} workers with ${ALERTS} alerts, and no alert is lost`, async (t) => {
    const system = await startClusterSystem(t, plane);
    const { namespace } = system;
    await system.define(definition('Many', { policy: { 'max-active': String(MAX_ACTIVE) } }));
    await Promise.all([
      system.startReceiver(),
      ...Array.from({ length: WORKERS }, () => system.startWorker({ OPENFERO_MAX_AGE: '1h' })),
    ]);
    await Promise.all(system.workers.map((worker) => worker.ready()));
    const alerts = Array.from({ length: ALERTS }, (_, i) => ({ alertname: 'Many', i: `${i}` }));
    await system.post(notificationOf(alerts));
    await until('all places are used', async () => (await system.jobs()).length === MAX_ACTIVE);
    const finished = new Set<string>();
    while (finished.size < ALERTS) {
      const jobs = await system.jobs();
      const unfinished = jobs
        .map((job) => String(at(job, 'metadata', 'name')))
        .filter((name) => !finished.has(name));
      assert.ok(unfinished.length <= MAX_ACTIVE, `${unfinished.length} unfinished Jobs`);
      await Promise.all(unfinished.map((name) => finishJob(plane, { namespace, name })));
      for (const name of unfinished) finished.add(name);
    }
    const [worker] = system.workers;
    if (worker !== undefined) await drained(worker, 20_000);
    assert.equal((await system.jobs()).length, ALERTS);
  });
});
