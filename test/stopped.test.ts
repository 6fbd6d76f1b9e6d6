import assert from 'node:assert/strict';
import { it } from 'node:test';
import { at, finishJob } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import { until } from '@openfero/testkit/until';
import { startClusterSystem } from './cluster-system.ts';
import { notificationOf } from './system.ts';

const OPERARIUS = 'openfero-broken-firing';

await describeOnControlPlane('an operarius whose Jobs fail on a real API server', (plane) => {
  it('is stopped once by three workers, and runs again after its author has touched it', async (t) => {
    const system = await startClusterSystem(t, plane);
    const { namespace } = system;
    const yaml = definition('Broken', { job: { spec: { backoffLimit: 0 } } });
    await system.define(yaml);
    await Promise.all([system.startReceiver(), ...[1, 2, 3].map(() => system.startWorker())]);
    await Promise.all([...system.workers, ...system.receivers].map((one) => one.ready()));
    const [worker] = system.workers;
    assert.ok(worker);
    const send = async (instance: string): Promise<Record<string, unknown>> => {
      await system.post(notificationOf([{ alertname: 'Broken', instance }]));
      const isEnd = (line: Record<string, unknown>): boolean => {
        return line['outcome'] !== undefined && String(line['operarius']) === OPERARIUS;
      };
      const before = ends.length;
      await until(`${instance} has ended`, () => {
        const lines = system.workers.flatMap((one) => one.lines).filter(isEnd);
        ends.splice(0, ends.length, ...lines);
        return ends.length > before;
      });
      return ends.find((line) => !known.has(line) && known.add(line)) ?? {};
    };
    const ends: Record<string, unknown>[] = [];
    const known = new Set<Record<string, unknown>>();
    for (let run = 0; run < 5; run++) {
      const end = await send(`i${run}`);
      assert.equal(end['outcome'], 'created', JSON.stringify(end));
    }
    const jobs = (await system.jobs()).map((job) => String(at(job, 'metadata', 'name')));
    await Promise.all(jobs.map((name) => finishJob(plane, { namespace, name }, 'Failed')));

    const stoppedMetric = `openfero_operarius_stopped{operarius="${OPERARIUS}"} `;
    const metrics = async (): Promise<string> =>
      (await fetch(`${await worker.url()}/metrics`)).text();
    await until('it is stopped', async () => (await metrics()).includes(`${stoppedMetric}1`));
    const reasons = async (): Promise<unknown[]> =>
      (await system.events(OPERARIUS)).map((event) => at(event, 'reason'));
    await until('it is told', async () => (await reasons()).includes('OperariusStopped'));
    assert.equal((await reasons()).filter((each) => each === 'OperariusStopped').length, 1);

    const stopped = await send('next');
    assert.equal(stopped['outcome'], 'stopped');
    assert.match(String(stopped['reason']), /^ConfigMap openfero-broken-firing is stopped since /);
    assert.equal((await system.jobs()).length, 5);

    await system.define(yaml);
    assert.equal((await send('applied again'))['outcome'], 'stopped');

    const annotation = 'openfero.io/rearm=2026-11-26';
    await plane.kubectl(['annotate', '-n', namespace, 'configmap', OPERARIUS, annotation]);
    await until('it is re-armed', async () => (await metrics()).includes(`${stoppedMetric}0`));
    assert.equal((await send('after that'))['outcome'], 'created');
    await until('that is told', async () => (await reasons()).includes('OperariusRearmed'));
  });
});
