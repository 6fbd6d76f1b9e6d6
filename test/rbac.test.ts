import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { before, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseManifests } from '@openfero/core/yaml';
import { at, type Cluster, itemsOf } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition, RESTRICTED_POD } from '@openfero/testkit/operarii';
import { until } from '@openfero/testkit/until';
import { startClusterSystem } from './cluster-system.ts';
import { openfero } from './openfero.ts';
import { rightsOf, WORKER_RIGHTS } from './rights.ts';
import { notificationOf } from './system.ts';

const MANIFESTS = fileURLToPath(new URL('../deploy/kubernetes', import.meta.url));
const STRICTLY = ['--validate=strict', '--warnings-as-errors'];

/** Milliseconds: the test waits for events that must come. */
const LIMITED = { timeout: 60_000 };

const readme = (): Promise<string> => readFile(new URL('../README.md', import.meta.url), 'utf8');

/** The line of a page that holds a command. */
function commandOf(page: string, part: string): string {
  const line = page.split('\n').find((each) => each.startsWith('kubectl') && each.includes(part));
  assert.ok(line !== undefined, part);
  return line;
}

/** Runs a command as it is printed, as an administrator. */
async function sh({ folder, adminKubeconfig }: Cluster, command: string): Promise<void> {
  const env = {
    PATH: `${folder}:${process.env['PATH']}`,
    HOME: folder,
    KUBECONFIG: adminKubeconfig,
  };
  await promisify(execFile)('bash', ['-c', `set -o pipefail; ${command}`], { env });
}

await describeOnControlPlane('deploy/kubernetes', (plane) => {
  before(async () => {
    const files = ['namespaces', 'access'].map((name) => `--filename=${MANIFESTS}/${name}.yaml`);
    await plane.kubectl(['apply', ...files, ...STRICTLY]);
  });

  /** All objects as the API server would store them. */
  const shipped = async (): Promise<readonly unknown[]> => {
    const args = ['apply', '-k', MANIFESTS, '--dry-run=server', '-o', 'json', ...STRICTLY];
    return itemsOf(JSON.parse(await plane.kubectl(args)));
  };
  const podsOf = (objects: readonly unknown[]): readonly (readonly [string, unknown])[] =>
    objects
      .map((one) => [String(at(one, 'metadata', 'name')), at(one, 'spec', 'template', 'spec')])
      .filter((pair): pair is [string, unknown] => pair[1] !== undefined);

  const kubeconfigOf = async (account: string): Promise<string> =>
    plane.kubeconfig({ token: await plane.tokenFor('openfero', account) }, 'openfero-jobs');

  it('passes strict validation without a warning', async () => {
    const kinds = new Set((await shipped()).map((one) => at(one, 'kind')));
    for (const kind of ['Deployment', 'StatefulSet', 'NetworkPolicy', 'PodDisruptionBudget']) {
      assert.ok(kinds.has(kind), kind);
    }
  });

  it('has Pods that the Pod Security level restricted admits', async () => {
    for (const [name, spec] of podsOf(await shipped())) {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'openfero' },
        spec,
      };
      const claim = { name: 'data', emptyDir: {} };
      const volumes = at(spec, 'volumes') ?? [claim];
      const whole = { ...pod, spec: { ...Object(spec), volumes } };
      const args = ['create', '-f', '-', '--dry-run=server', ...STRICTLY];
      await plane.kubectl(args, JSON.stringify(whole));
    }
  });

  it("come with README's example as a file", async () => {
    const path = '../deploy/examples/operarii/kubequotaalmostfull-firing.yaml';
    const example = await readFile(new URL(path, import.meta.url), 'utf8');
    const block = `\`\`\`yaml\n${example.replace(/^---\n/, '')}\`\`\``;
    assert.ok((await readme()).includes(block));
  });

  it('can have its services in another namespace, as its README says', async (t) => {
    const page = await readFile(`${MANIFESTS}/README.md`, 'utf8');
    const [patches = ''] = /^ {2}patches:\n( {4}.*\n)+/m.exec(page) ?? [];
    const folder = await mkdtemp(join(tmpdir(), 'openfero-overlay-'));
    t.after(() => rm(folder, { recursive: true }));
    const overlay = `resources: [${relative(await realpath(folder), MANIFESTS)}]\n`;
    await writeFile(join(folder, 'kustomization.yaml'), overlay + patches.replace(/^ {2}/gm, ''));
    const text = await plane.kubectl(['kustomize', folder]);
    assert.doesNotMatch(text, /namespace: openfero$|openfero\.svc/m);
    const places = parseManifests(text).map(
      (one) => at(one, 'metadata', 'namespace') ?? at(one, 'metadata', 'name'),
    );
    assert.deepEqual([...new Set(places)].sort(), ['openfero-jobs', 'platform']);
  });

  it('gives only the worker a token', async () => {
    const withToken = podsOf(await shipped())
      .filter(([, spec]) => at(spec, 'automountServiceAccountToken') !== false)
      .map(([name]) => name);
    assert.deepEqual(withToken, ['openfero-worker']);
  });

  it('gives the worker the rights it needs in the namespace of the Jobs, and no others', async () => {
    const worker = await kubeconfigOf('openfero-worker');
    assert.deepEqual(await rightsOf(plane, worker, 'openfero-jobs'), WORKER_RIGHTS);
    for (const namespace of ['openfero', 'default', 'kube-system']) {
      assert.deepEqual(await rightsOf(plane, worker, namespace), []);
    }
  });

  it(
    'has the rights and settings with which a worker creates a Job for an alert',
    LIMITED,
    async (t) => {
      const kubeconfig = await kubeconfigOf('openfero-worker');
      const system = await startClusterSystem(t, plane, {
        namespace: 'openfero-jobs',
        kubeconfig,
      });
      await system.define(definition('Shipped', { job: { pod: RESTRICTED_POD } }));
      const [, spec] = podsOf(await shipped()).find(([name]) => name === 'openfero-worker') ?? [];
      const variables = at(spec, 'containers', 0, 'env');
      assert.ok(Array.isArray(variables));
      const env = Object.fromEntries(
        variables
          .map((one) => [String(at(one, 'name')), String(at(one, 'value'))])
          .filter(([name = '']) => name.startsWith('OPENFERO_')),
      );
      const [worker] = await Promise.all([system.startWorker(env), system.startReceiver()]);
      await worker.ready();
      const alert = { alertname: 'Shipped', instance: crypto.randomUUID() };
      assert.equal((await system.post(notificationOf([alert]))).status, 200);
      const [end] = await system.ended(1);
      assert.equal(end?.['outcome'], 'created');
      const names = (await system.jobs()).map((job) => at(job, 'metadata', 'name'));
      assert.ok(names.includes(end?.['job']));

      const reasons = async (): Promise<readonly unknown[]> =>
        (await system.events('openfero-shipped-firing')).map((event) => at(event, 'reason'));
      await until('the Event is written', async () => (await reasons()).includes('JobCreated'));
      const examples = fileURLToPath(new URL('../deploy/examples/operarii', import.meta.url));
      await plane.kubectl(['apply', '-n', 'openfero-jobs', '-f', examples]);
      const example = 'openfero-kubequotaalmostfull-firing';
      const checked = await worker.waitForLine((line) => line['operarius'] === example);
      assert.equal(checked.msg, 'operarius is valid');
      await system.post(notificationOf([{ alertname: 'KubeQuotaAlmostFull' }]));
      const started = (await system.ended(2)).at(-1);
      assert.deepEqual([started?.['outcome'], started?.['warnings']], ['created', undefined]);

      await sh(plane, commandOf(await readme(), 'create configmap openfero '));
      await worker.waitForLine(({ msg }) => msg.startsWith('OpenFero is off'));
      await system.post(notificationOf([{ ...alert, instance: crypto.randomUUID() }]));
      assert.equal((await system.ended(3)).at(-1)?.['outcome'], 'off');
      await sh(
        plane,
        commandOf(await readme(), 'annotate configmap openfero openfero.io/mode=run'),
      );
      await worker.waitForLine(({ msg }) => msg.startsWith('OpenFero is on'));
      await system.post(notificationOf([{ ...alert, instance: crypto.randomUUID() }]));
      assert.equal((await system.ended(4)).at(-1)?.['outcome'], 'created');

      const warnings = worker.lines.filter(({ level }) => level === 'warn' || level === 'error');
      assert.deepEqual(
        warnings.map(({ msg }) => msg.split(':')[0]),
        ['OpenFero is off, and creates no Jobs'],
      );

      const desk = { KUBECONFIG: plane.adminKubeconfig, REDIS_URL: system.redis.url };
      const stopped = await openfero(desk, ['stop']);
      assert.deepEqual(
        [stopped.code, stopped.out],
        [0, 'in force on the only worker: none creates Jobs'],
      );
      worker.kill('SIGKILL');
      const resumed = await openfero(desk, ['resume', '--timeout', '1']);
      assert.deepEqual([resumed.code, resumed.out], [1, 'not in force on every worker']);
      assert.match(resumed.err, /^worker .*: off \(/m);
    },
  );
});
