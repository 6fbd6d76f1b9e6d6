import assert from 'node:assert/strict';
import { it } from 'node:test';
import { LABELS, MANAGED_BY } from '@openfero/core/labels';
import { type Cluster, configMapsPath, jobsPath } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition, jobManifest } from '@openfero/testkit/operarii';
import { startClusterSystem } from './cluster-system.ts';
import { notificationOf } from './system.ts';

const CONFIG_MAPS = 1_000;
const JOBS = 10_000;
const IN_FLIGHT = 32;

/** Runs a task `count` times, some of them concurrently. */
async function times(count: number, task: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await task(i);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

/** The requests for Jobs and ConfigMaps so far, by the API server's metrics. */
async function askedOf(plane: Cluster): Promise<Record<string, number>> {
  const metrics = await plane.kubectl(['get', '--raw', '/metrics']);
  const asked: Record<string, number> = {};
  for (const line of metrics.split('\n')) {
    const [, labels = '', count] = /^apiserver_request_total{(.*)} (\d+)$/.exec(line) ?? [];
    const resource = /resource="(jobs|configmaps)"/.exec(labels)?.[1];
    const verb = /verb="(POST|GET|LIST)"/.exec(labels)?.[1];
    if (resource === undefined || verb === undefined) continue;
    const what = `${verb} ${resource}`;
    asked[what] = (asked[what] ?? 0) + Number(count);
  }
  return asked;
}

await describeOnControlPlane('a large namespace', (plane) => {
  it(`with ${CONFIG_MAPS} ConfigMaps and ${JOBS} Jobs costs one call per alert, the create`, async (t) => {
    const namespace = await plane.createNamespace();
    const configMaps = configMapsPath(namespace);
    await times(CONFIG_MAPS, (i) =>
      plane.request('POST', configMaps, JSON.parse(definition(`Alert${i}`))),
    );
    const jobs = jobsPath(namespace);
    await times(JOBS, (i) => plane.request('POST', jobs, jobOf(`job-${i}`)));
    const system = await startClusterSystem(t, plane, { namespace });
    const unlimited = { OPENFERO_MAX_ACTIVE_JOBS: '0', OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '0' };
    const [worker] = await Promise.all([system.startWorker(unlimited), system.startReceiver()]);
    await worker.ready();
    const checked = (line: Readonly<Record<string, unknown>>): boolean =>
      line['operarius'] === `openfero-alert${CONFIG_MAPS - 1}-firing`;
    await worker.waitForLine(checked, 120_000);
    const before = await askedOf(plane);
    await system.post(notificationOf([{ alertname: 'Alert7' }]));
    const [end] = await system.ended(1);
    assert.equal(end?.['outcome'], 'created');
    const { 'POST jobs': creates = 0 } = before;
    assert.deepEqual(await askedOf(plane), { ...before, 'POST jobs': creates + 1 });
  });
});

/** `managedBy` keeps the Job controller away, which ten thousand Jobs would keep busy. */
function jobOf(name: string): object {
  return jobManifest({
    metadata: { name, labels: { [LABELS.managedBy]: MANAGED_BY } },
    spec: { managedBy: 'example.com/nobody' },
  });
}
