import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { at } from '@openfero/testkit/controlplane';
import { CHART } from '@openfero/testkit/helm';
import { definition, RESTRICTED_POD } from '@openfero/testkit/operarii';
import { startClusterSystem } from '../cluster-system.ts';
import { rightsOf, WORKER_RIGHTS } from '../rights.ts';
import { notificationOf } from '../system.ts';
import { describeChart, environmentOf } from './chart.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Milliseconds: the test waits for events that must come. */
const LIMITED = { timeout: 60_000 };

await describeChart('a release of the chart', (chart, plane) => {
  let namespace = '';
  let jobs = '';
  let notes = '';

  const helm = (command: string, ...args: readonly string[]): Promise<string> => {
    const where = [`--namespace=${namespace}`, `--kubeconfig=${plane.adminKubeconfig}`];
    return chart.helm(command, 'openfero', ...where, ...args);
  };
  const get = async (path: string): Promise<unknown> => (await plane.request('GET', path)).body;
  const secret = async (): Promise<unknown> =>
    at(await get(`/api/v1/namespaces/${namespace}/secrets/openfero-redis`), 'data', 'password');
  const deployment = (component: string): Promise<unknown> =>
    get(`/apis/apps/v1/namespaces/${namespace}/deployments/openfero-${component}`);
  const phase = async (): Promise<unknown> =>
    at(await get(`/api/v1/namespaces/${jobs}`), 'status', 'phase');

  before(async () => {
    namespace = await plane.createNamespace();
    jobs = `${namespace}-jobs`;
    notes = await helm('install', CHART, `--set=operarii.namespace=${jobs}`);
  });
  // Helm keeps it.
  after(() => plane.request('DELETE', `/api/v1/namespaces/${jobs}`));

  it('ends its notes with the proof of the installation and with what stops it', async () => {
    const lines = notes.trim().split('\n');
    const [apply = '', forward, curl, page] = lines.slice(-7, -3).map((line) => line.trim());
    const [, example = ''] = new RegExp(`^kubectl -n ${jobs} apply -f (\\S+)$`).exec(apply) ?? [];
    assert.match(
      await readFile(`${ROOT}/${example}`, 'utf8'),
      /openfero-kubequotaalmostfull-firing/,
    );
    assert.match(
      forward ?? '',
      new RegExp(`^kubectl -n ${namespace} port-forward service/openfero-`),
    );
    assert.match(
      curl ?? '',
      /^curl .* -d @\.\/test\/alerts\.json http:\/\/localhost:8080\/alerts$/,
    );
    assert.equal(page, 'http://localhost:8082');
    assert.match(lines.at(-1) ?? '', new RegExp(`^ *kubectl -n ${jobs} .*openfero.io/mode=off`));
  });

  it('gives the worker its rights in the namespace of the operarii, and nobody else any', async () => {
    for (const account of ['worker', 'receiver', 'dashboard', 'redis']) {
      const token = await plane.tokenFor(namespace, `openfero-${account}`);
      const kubeconfig = await plane.kubeconfig({ token });
      const expected = account === 'worker' ? WORKER_RIGHTS : [];
      assert.deepEqual(await rightsOf(plane, kubeconfig, jobs), expected, account);
      assert.deepEqual(await rightsOf(plane, kubeconfig, namespace), [], account);
    }
  });

  it('has a worker that creates a Job with its own token and settings', LIMITED, async (t) => {
    const token = await plane.tokenFor(namespace, 'openfero-worker');
    const kubeconfig = await plane.kubeconfig({ token }, jobs);
    const system = await startClusterSystem(t, plane, { namespace: jobs, kubeconfig });
    await system.define(definition('Charted', { job: { pod: RESTRICTED_POD } }));
    const settings = async (component: string): Promise<Record<string, string>> => {
      const all = Object.entries(environmentOf(await deployment(component)));
      return Object.fromEntries(all.filter(([name]) => name.startsWith('OPENFERO_')));
    };
    const [worker] = await Promise.all([
      system.startWorker(await settings('worker')),
      system.startReceiver(await settings('receiver')),
    ]);
    await worker.ready();
    await system.post(notificationOf([{ alertname: 'Charted' }]));
    const [end] = await system.ended(1);
    assert.equal(end?.['outcome'], 'created');
    const names = (await system.jobs()).map((job) => at(job, 'metadata', 'name'));
    assert.deepEqual(names, [end?.['job']]);
    const unknown = worker.lines.filter(({ msg }) => msg.startsWith('unknown environment'));
    assert.deepEqual(unknown, []);
  });

  it('keeps the password of Redis when it is upgraded', async () => {
    const password = await secret();
    assert.match(Buffer.from(String(password), 'base64').toString(), /^[A-Za-z0-9]{32}$/);
    await helm('upgrade', CHART, '--reuse-values', '--set=receiver.replicas=3');
    assert.equal(at(await deployment('receiver'), 'spec', 'replicas'), 3);
    assert.equal(await secret(), password);
  });

  it('leaves the operarii and the data of Redis when it is uninstalled, and can return', async () => {
    const path = `/apis/apps/v1/namespaces/${namespace}/statefulsets/openfero-redis`;
    const policy = at(await get(path), 'spec', 'persistentVolumeClaimRetentionPolicy');
    assert.deepEqual(policy, { whenDeleted: 'Retain', whenScaled: 'Retain' });
    await helm('uninstall');
    assert.equal(at(await deployment('worker'), 'code'), 404);
    assert.equal(await phase(), 'Active');
    await helm('install', CHART, `--set=operarii.namespace=${jobs}`);
    assert.equal(at(await deployment('worker'), 'spec', 'replicas'), 2);
  });
});
