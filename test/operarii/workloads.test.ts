import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it, type TestContext } from 'node:test';
import { at, type Cluster, finishJob, jobsPath } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { expectNothing, type Installation, install } from './installation.ts';
import { ALLOWED, objectsIn, UNREADY } from './objects.ts';

const TEMPLATE = {
  metadata: { labels: { app: 'shop' } },
  spec: { containers: [{ name: 'checkout', image: 'i' }] },
};
const SELECTOR = { matchLabels: { app: 'shop' } };

const STARTERS = [
  'watchdog',
  'kubejobfailed',
  'kubestatefulset',
  'kubepodcrashlooping',
  'kubedaemonsetrolloutstuck',
  'kubedeploymentreplicasmismatch',
];

await describeOnControlPlane('starter operarii for workloads', (plane) => {
  let here: Installation;
  before(async () => {
    here = await install(plane, STARTERS);
  });
  after(() => here.stop());

  it('watchdog prints the alert', async () => {
    const { code, stdout } = await here.run(await here.remediate('watchdog'));
    assert.equal(code, 0);
    assert.equal(at(JSON.parse(stdout), 'labels', 'alertname'), 'Watchdog');
  });

  it('kubejobfailed deletes a failed Job only if a CronJob owns it', async () => {
    const shop = here.shopOf('kubejobfailed');
    const objects = objectsIn(plane, shop);
    const job = await here.remediate('kubejobfailed');
    const name = 'backup-29401920';
    const path = jobsPath(shop);
    const fail = async (metadata: object): Promise<void> => {
      await objects.create(path, {
        metadata: { name, ...metadata },
        spec: { backoffLimit: 0, template: { spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } } },
      });
    };
    expectNothing(await here.run(job), /the Job does not exist any more/);
    await fail({});
    expectNothing(await here.run(job), /the Job backup-29401920 has not failed/);
    await finishJob(plane, { namespace: shop, name }, 'Failed');
    const kept = await here.run(job);
    expectNothing(kept, /no CronJob owns the Job backup-29401920/);
    assert.match(kept.stdout, /BackoffLimitExceeded/, 'it prints the events');
    assert.equal(at(await objects.get(`${path}/${name}`), 'metadata', 'name'), name);

    await plane.request('DELETE', `${path}/${name}?propagationPolicy=Background`);
    const cronJobs = `/apis/batch/v1/namespaces/${shop}/cronjobs`;
    const jobTemplate = {
      spec: { template: { spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } } },
    };
    const owner = await objects.workload(cronJobs, {
      metadata: { name: 'backup' },
      spec: { schedule: '0 0 * * *', jobTemplate },
    });
    await fail({ ownerReferences: [{ ...owner, controller: true }] });
    await finishJob(plane, { namespace: shop, name }, 'Failed');
    const run = await here.run(job);
    assert.equal(run.code, 0, run.stderr);
    assert.equal(at(await objects.get(`${path}/${name}`), 'code'), 404);
  });

  it('kubestatefulset deletes the only pod that is not Ready, if it has an old revision', async (t) => {
    const shop = here.shopOf('kubestatefulset');
    const objects = objectsIn(plane, shop);
    const job = await here.remediate('kubestatefulset', 'alert-updatenotrolledout.json');
    const twin = await here.remediate('kubestatefulset', 'alert-replicasmismatch.json');
    const path = `/apis/apps/v1/namespaces/${shop}/statefulsets`;
    expectNothing(await here.run(job), /the StatefulSet does not exist any more/);
    const owner = await objects.workload(path, {
      metadata: { name: 'orders' },
      spec: { replicas: 3, serviceName: 'orders', selector: SELECTOR, template: TEMPLATE },
    });
    await objects.patch(`${path}/orders/status`, {
      status: { replicas: 3, updateRevision: 'orders-2' },
    });
    const labels = (revision: string) => ({ 'controller-revision-hash': revision });
    await objects.pod('orders-0', { owner, labels: labels('orders-1') });
    await objects.pod('orders-1', { owner, labels: labels('orders-1') });
    await objects.pod('another', { labels: labels('orders-1'), status: UNREADY });
    expectNothing(
      await here.run(job),
      /the StatefulSet orders does not have the label openfero\.io\/allow=true/,
    );
    await objects.allow(`${path}/orders`);
    expectNothing(await here.run(job), /2 of 3 pods of orders are Ready/);
    await objects.pod('orders-2', { owner, labels: labels('orders-2'), status: UNREADY });
    expectNothing(await here.run(job), /the pod orders-2 has the latest revision already/);
    await objects.patch(`${path}/orders/status`, {
      status: { replicas: 3, updateRevision: 'orders-3' },
    });
    const readiness = `/api/v1/namespaces/${shop}/pods/orders-1/status`;
    await objects.patch(readiness, { status: UNREADY });
    expectNothing(await here.run(job), /1 of 3 pods of orders are Ready/);
    await objects.patch(readiness, { status: { conditions: [{ type: 'Ready', status: 'True' }] } });
    for (const each of [job, twin]) {
      const run = await here.run(each);
      assert.equal(run.code, 0, run.stderr);
    }
    assert.deepEqual(await objects.pods(), ['another', 'orders-0', 'orders-1']);

    await objects.pod('orders-2', { owner, labels: labels('orders-2'), status: UNREADY });
    const replaced = await here.run(job, {
      PATH: await replacingKubectl(t, plane, shop, 'orders-2'),
    });
    assert.notEqual(replaced.code, 0);
    assert.match(replaced.stderr, /the UID in the precondition/);
    assert.deepEqual(await objects.pods(), ['another', 'orders-0', 'orders-1', 'orders-2']);
  });

  it('kubepodcrashlooping deletes a pod that has the label and a controller', async () => {
    const shop = here.shopOf('kubepodcrashlooping');
    const objects = objectsIn(plane, shop);
    const job = await here.remediate('kubepodcrashlooping');
    const name = 'checkout-6c9f7d5b8-q4wzn';
    expectNothing(await here.run(job), /the pod does not exist any more/);
    await objects.pod(name, { labels: ALLOWED, status: UNREADY });
    expectNothing(await here.run(job), /has been replaced since/);
    const sameUid = { OPENFERO_UID: '' };
    expectNothing(await here.run(job, sameUid), /no controller owns the pod checkout-/);
    await plane.request('DELETE', `/api/v1/namespaces/${shop}/pods/${name}`);
    const owner = await objects.workload(`/apis/apps/v1/namespaces/${shop}/replicasets`, {
      metadata: { name: 'checkout' },
      spec: { replicas: 1, selector: SELECTOR, template: TEMPLATE },
    });
    await objects.pod(name, { owner, status: UNREADY });
    expectNothing(await here.run(job, sameUid), /does not have the label openfero\.io\/allow=true/);
    await objects.allow(`/api/v1/namespaces/${shop}/pods/${name}`);
    const run = await here.run(job, sameUid);
    assert.equal(run.code, 0, run.stderr);
    assert.deepEqual(await objects.pods(), []);
  });

  it('kubedaemonsetrolloutstuck deletes one pod of an old revision at a time', async () => {
    const shop = here.shopOf('kubedaemonsetrolloutstuck');
    const objects = objectsIn(plane, shop);
    const job = await here.remediate('kubedaemonsetrolloutstuck');
    const apps = `/apis/apps/v1/namespaces/${shop}`;
    expectNothing(await here.run(job), /the DaemonSet does not exist any more/);
    const owner = await objects.workload(`${apps}/daemonsets`, {
      metadata: { name: 'log-shipper' },
      spec: { selector: SELECTOR, template: TEMPLATE },
    });
    for (const revision of [9, 10]) {
      await objects.create(`${apps}/controllerrevisions`, {
        data: {},
        metadata: {
          name: `log-shipper-r${revision}`,
          labels: { 'controller-revision-hash': `r${revision}` },
          ownerReferences: [{ ...owner, controller: true }],
        },
        revision,
      });
    }
    const pod = (name: string, revision: string, status = UNREADY): Promise<void> =>
      objects.pod(name, { owner, labels: { 'controller-revision-hash': revision }, status });
    await pod('old-1', 'r9');
    await pod('old-2', 'r9');
    await pod('old-ready', 'r9', { conditions: [{ type: 'Ready', status: 'True' }] });
    expectNothing(await here.run(job), /the DaemonSet log-shipper does not have the label/);
    await objects.allow(`${apps}/daemonsets/log-shipper`);
    assert.equal((await here.run(job)).code, 0);
    assert.deepEqual(await objects.pods(), ['old-1', 'old-ready']);
    await pod('new-2', 'r10');
    expectNothing(await here.run(job), /the pod new-2 of the latest revision is not Ready/);
    await plane.request('DELETE', `/api/v1/namespaces/${shop}/pods/new-2`);
    assert.equal((await here.run(job)).code, 0);
    expectNothing(await here.run(job), /no pod of an old revision of log-shipper is unready/);
    assert.deepEqual(await objects.pods(), ['old-ready']);
  });

  it('kubedeploymentreplicasmismatch restarts a Deployment that has the label, once', async () => {
    const shop = here.shopOf('kubedeploymentreplicasmismatch');
    const objects = objectsIn(plane, shop);
    const job = await here.remediate('kubedeploymentreplicasmismatch');
    const path = `/apis/apps/v1/namespaces/${shop}/deployments`;
    const generation = async (): Promise<unknown> =>
      at(await objects.get(`${path}/checkout`), 'metadata', 'generation');
    expectNothing(await here.run(job), /the Deployment does not exist any more/);
    await objects.create(path, {
      metadata: { name: 'checkout' },
      spec: { replicas: 2, selector: SELECTOR, template: TEMPLATE },
    });
    expectNothing(await here.run(job), /the Deployment checkout does not have the label/);
    await objects.allow(`${path}/checkout`);
    await objects.patch(`${path}/checkout/status`, {
      status: { conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' }] },
    });
    expectNothing(await here.run(job), /refuses pods of checkout \(FailedCreate\)/);
    await objects.patch(`${path}/checkout/status`, { status: { conditions: [] } });
    assert.equal(await generation(), 1);
    for (const _ of ['first', 'again']) {
      const run = await here.run(job);
      assert.equal(run.code, 0, run.stderr);
      assert.equal(await generation(), 2);
    }
  });
});

/**
 * A PATH with a kubectl that replaces a pod by another one of its name just before it deletes, as a
 * controller could.
 */
async function replacingKubectl(
  t: TestContext,
  plane: Cluster,
  namespace: string,
  pod: string,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'openfero-kubectl-'));
  t.after(() => rm(folder, { recursive: true }));
  const real = `${plane.folder}/kubectl`;
  const replace = `${real} --kubeconfig=${plane.adminKubeconfig} --namespace=${namespace}`;
  await writeFile(
    join(folder, 'kubectl'),
    `#!/bin/sh -e
if [ "$1" = delete ]; then
  ${replace} get pod ${pod} --output=json > ${folder}/pod.json
  ${replace} replace --force --filename=${folder}/pod.json >&2
fi
exec ${real} "$@"
`,
    { mode: 0o700 },
  );
  return `${folder}:${process.env['PATH']}`;
}
