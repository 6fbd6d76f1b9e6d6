import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { it } from 'node:test';
import { at, type Cluster } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { startClusterSystem } from './cluster-system.ts';
import { openfero } from './openfero.ts';

/** Labels of the worker's pods, in deploy/kubernetes and in the chart. */
const OF_MANIFESTS = { 'app.kubernetes.io/name': 'openfero-worker' };
const OF_CHART = { 'app.kubernetes.io/name': 'openfero', 'app.kubernetes.io/component': 'worker' };

interface PodOptions {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly operarii: string;
}

/** A pod as a kubelet would run it: here a worker runs beside it, whose hostname is its name. */
async function createPod(
  plane: Cluster,
  namespace: string,
  { name, labels, operarii }: PodOptions,
): Promise<void> {
  const env = [{ name: 'OPENFERO_CONFIGMAP_NAMESPACE', value: operarii }];
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const made = await plane.request('POST', path, {
    metadata: { name, labels },
    spec: { nodeName: 'none', containers: [{ name: 'worker', image: 'openfero', env }] },
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const status = { ...Object(made.body), status: { phase: 'Running' } };
  assert.equal((await plane.request('PUT', `${path}/${name}/status`, status)).status, 200);
}

/** A person with the rights that docs/cli.md names, and no others. */
async function onCall(plane: Cluster, operarii: string, workers: string): Promise<string> {
  const grant = async (namespace: string, rules: string[]): Promise<void> => {
    for (const [i, rule] of rules.entries()) {
      const [verbs = '', resource = ''] = rule.split(' ');
      const role = ['create', 'role', `on-call-${i}`, `--verb=${verbs}`, `--resource=${resource}`];
      await plane.kubectl([...role, '-n', namespace]);
      const who = `--serviceaccount=${operarii}:on-call`;
      const bound = ['create', 'rolebinding', `on-call-${i}`, `--role=on-call-${i}`, who];
      await plane.kubectl([...bound, '-n', namespace]);
    }
  };
  const token = await plane.tokenFor(operarii, 'on-call');
  await grant(operarii, ['get,create,patch configmaps', 'list events']);
  await grant(workers, ['list pods']);
  return plane.kubeconfig({ token });
}

await describeOnControlPlane('openfero stop, with a kubeconfig alone', (plane) => {
  it('ends with 0 once the worker of each pod has confirmed it, each time that it is asked', async (t) => {
    const workers = await plane.createNamespace();
    const system = await startClusterSystem(t, plane);
    const { namespace: operarii } = system;
    const [kubeconfig, worker] = await Promise.all([
      onCall(plane, operarii, workers),
      system.startWorker(),
    ]);
    await worker.ready();
    const ask = (...args: string[]) =>
      openfero({ KUBECONFIG: kubeconfig }, [...args, '--worker-namespace', workers]);

    const nobody = await ask('stop');
    assert.equal(nobody.code, 2);
    assert.match(nobody.err, /has no pod of a worker: name that of OpenFero with --worker-names/);

    await createPod(plane, workers, { name: hostname(), labels: OF_MANIFESTS, operarii });
    const before = await ask('status');
    assert.equal(before.code, 2, before.out);
    assert.match(before.out, /^worker .*: it has not confirmed the ConfigMap openfero as it is/m);

    // Its pod says in which namespace the switch belongs.
    for (const [verb, text] of [
      ['stop', 'in force on the only worker: none creates Jobs'],
      ['stop', 'in force on the only worker: none creates Jobs'],
      ['resume', 'in force on the only worker: they create Jobs'],
    ] as const) {
      const { code, out, err } = await ask(verb);
      assert.deepEqual([code, out], [0, text], err);
    }
    const status = await ask('status');
    assert.equal(status.code, 0, status.err);
    assert.match(status.out, /^worker .*: OpenFero is on, and creates Jobs: ConfigMap openfero: /m);

    const elsewhere = await ask('stop', '-n', 'default');
    assert.deepEqual(
      [elsewhere.code, elsewhere.err],
      [2, `openfero: the workers read the namespace ${operarii}, not default`],
    );
  });

  it('ends with 1, and names the pod whose worker says nothing', async (t) => {
    const workers = await plane.createNamespace();
    const system = await startClusterSystem(t, plane);
    const { namespace: operarii } = system;
    await (await system.startWorker()).ready();
    await createPod(plane, workers, { name: hostname(), labels: OF_CHART, operarii });
    await createPod(plane, workers, { name: 'dead', labels: OF_CHART, operarii });
    const admin = { KUBECONFIG: plane.adminKubeconfig };
    // A Redis that is away is no reason not to ask.
    const env = { ...admin, REDIS_URL: 'redis://127.0.0.1:1' };
    const args = ['--worker-namespace', workers];
    const { code, out, err } = await openfero(env, ['stop', ...args, '--timeout', '4']);
    assert.deepEqual([code, out], [1, 'not in force on every worker']);
    assert.match(err, /127\.0\.0\.1:1.*: the workers are asked through the cluster instead\n/);
    const problems = err.split('\n').filter((line) => line.startsWith('worker '));
    assert.deepEqual(problems, [
      'worker dead: it has not confirmed the ConfigMap openfero as it is now',
    ]);
    // There is no kubelet to end it.
    await plane.kubectl(['delete', 'pod', 'dead', '-n', workers, '--force']);
    const again = await openfero(admin, ['stop', ...args]);
    assert.equal(again.code, 0, again.err);
    // One Event for each mode, whatever the number of versions.
    const events = await system.events('openfero');
    assert.deepEqual(
      events.map((event) => [at(event, 'reason'), at(event, 'count')]),
      [['SwitchedOff', 2]],
    );
  });

  it('ends with 2, and says what to ask for, without the right to see the workers', async () => {
    const [operarii, workers, other] = await Promise.all([
      plane.createNamespace(),
      plane.createNamespace(),
      plane.createNamespace(),
    ]);
    const env = { KUBECONFIG: await onCall(plane, operarii, other) };
    const args = ['stop', '-n', operarii, '--worker-namespace', workers];
    const { code, err } = await openfero(env, args);
    assert.equal(code, 2);
    assert.match(
      err,
      /^written: ConfigMap .*\nopenfero: the switch is written, but .*list resource "pods"/,
    );
    assert.match(err, new RegExp(`list pods in ${workers} .* kubectl -n ${workers} port-forward`));
  });
});
