import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  type Alertmanager,
  missingAlertmanager,
  startAlertmanager,
} from '@openfero/testkit/alertmanager';
import { at, finishJob } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import { until } from '@openfero/testkit/until';
import { startClusterSystem } from './cluster-system.ts';
import { notificationOf } from './system.ts';

const hasAlertmanager = process.env['CI'] === 'true' || missingAlertmanager() === undefined;

const OPERARIUS = 'openfero-broken-firing';

const SILENT = {
  ...{ receiverUrl: 'http://127.0.0.1:9', groupWait: '1h', groupInterval: '1h' },
  repeatInterval: '1h',
};

/** The operarii that are stopped, as people see it. */
async function raisedIn({ url }: Alertmanager): Promise<unknown[]> {
  const filter = encodeURIComponent('alertname="OpenFeroOperariusStopped"');
  const alerts: unknown = await (await fetch(`${url}/api/v2/alerts?filter=${filter}`)).json();
  return [alerts].flat().map((alert) => at(alert, 'labels', 'openfero_operarius'));
}

await describeOnControlPlane('an operarius whose Jobs fail on a real API server', (plane) => {
  it('is stopped once by three workers, and runs again after its author has touched it', async (t) => {
    const system = await startClusterSystem(t, plane);
    const { namespace } = system;
    const yaml = definition('Broken', { job: { spec: { backoffLimit: 0 } } });
    await system.define(yaml);
    const receiver = await system.startReceiver();
    const alertmanager = hasAlertmanager ? await startAlertmanager(SILENT) : undefined;
    t.after(() => alertmanager?.stop());
    const env = { OPENFERO_ALERTMANAGER_URL: alertmanager?.url ?? '' };
    await Promise.all([1, 2, 3].map(() => system.startWorker(env)));
    await Promise.all([...system.workers, receiver].map((one) => one.ready()));
    const [worker] = system.workers;
    assert.ok(worker);
    const send = async (instance: string): Promise<Record<string, unknown>> => {
      const labels = { alertname: 'Broken', instance };
      // It is asked before each Job.
      await alertmanager?.post([{ labels }]);
      await system.post(notificationOf([labels]));
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
    // By their names, which are digests: not in the order of their creation.
    await Promise.all(jobs.map((name) => finishJob(plane, { namespace, name }, 'Failed')));

    const stoppedMetric = `openfero_operarius_stopped{operarius="${OPERARIUS}"} `;
    const metrics = async (): Promise<string> =>
      (await fetch(`${await worker.url()}/metrics`)).text();
    await until('it is stopped', async () => (await metrics()).includes(`${stoppedMetric}1`));
    const reasons = async (): Promise<unknown[]> =>
      (await system.events(OPERARIUS)).map((event) => at(event, 'reason'));
    await until('it is told', async () => (await reasons()).includes('OperariusStopped'));
    assert.equal((await reasons()).filter((each) => each === 'OperariusStopped').length, 1);

    if (alertmanager !== undefined) {
      await until('it is raised', async () => (await raisedIn(alertmanager)).length > 0);
      assert.deepEqual(await raisedIn(alertmanager), [OPERARIUS]);
    }

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
