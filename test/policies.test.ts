import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, it } from 'node:test';
import { InvalidOperarius } from '@openfero/core/operarius';
import { DEFAULT_POLICY, POLICY_ANNOTATIONS, readPolicy } from '@openfero/core/operarius/policy';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import { until } from '@openfero/testkit/until';

const WORKER = 'system:serviceaccount:openfero:openfero-worker';

/** Values of each annotation, right and wrong ones. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  cooldown: ['0', '90s', '1h30m', '', '10 min', '-1s'],
  'max-age': ['15m', 'never'],
  'approval-timeout': ['1h', 'never'],
  'repeat-after': ['never', '4h', 'off', '4'],
  'effect-within': ['off', '15m', 'never'],
  'stop-for': ['rearm', '1h', 'off'],
  'stop-after': ['0', '5', '100', '101', '-1', 'five'],
  'max-active': ['0', '10', '1.5', ''],
  'max-repeats': ['none', '5/1d', '20/7d', '21/1d', '0/1d', '5'],
  'max-runs': ['none', '20/1h', '1000/7d', '1001/1d', '0/1h', '20'],
  target: ['node', 'cluster, node', '', 'node,'],
  mode: ['run', 'dry-run', 'off', 'Off', 'approve'],
  'dedup-by': ['alert', 'group', 'operarius', 'alerts'],
  'run-if-resolved': ['true', 'false', 'yes'],
  'own-jobs': ['true', 'no'],
  rearm: ['any text'],
  alertname: ['Disk'],
  match: ['{zone="dmz"}'],
  cooldwon: ['5m'],
};

/** Whether the worker reads it. */
function isValid(name: string, value: string): boolean {
  try {
    readPolicy({ [`openfero.io/${name}`]: value }, DEFAULT_POLICY, 'here');
    return true;
  } catch (error) {
    if (error instanceof InvalidOperarius) return false;
    throw error;
  }
}

await describeOnControlPlane('deploy/policies', (plane) => {
  let namespace: string;
  before(async () => {
    namespace = await plane.createNamespace();
    for (const file of ['operarii', 'jobs']) {
      const path = new URL(`../deploy/policies/${file}.yaml`, import.meta.url);
      // Other tests use the namespace of the manifests.
      const yaml = (await readFile(path, 'utf8'))
        .replaceAll('openfero-jobs', namespace)
        .replaceAll('openfero-operarii', `${namespace}-operarii`);
      await plane.kubectl(['apply', '-f', '-', '--validate=strict', '--warnings-as-errors'], yaml);
    }
    const right = ['--verb=create', '--resource=jobs.batch', '-n', namespace];
    await plane.kubectl(['create', 'role', 'worker', ...right]);
    const bound = ['--role=worker', `--user=${WORKER}`, '-n', namespace];
    await plane.kubectl(['create', 'rolebinding', 'worker', ...bound]);
    const wrong = definition('Disk', { policy: { mode: 'never' } });
    await until('the policies are in force', async () => (await apply(wrong)) !== '');
    await until('that of Jobs too', async () =>
      (await createJob('nobody', 'x')).includes('ServiceAccount'),
    );
  });
  after(async () => {
    for (const kind of ['validatingadmissionpolicy', 'validatingadmissionpolicybinding']) {
      await plane.kubectl(['delete', kind, namespace, `${namespace}-operarii`]);
    }
  });

  /** @returns why it is refused, or '' */
  const refused = async (args: readonly string[], input: string): Promise<string> => {
    try {
      await plane.kubectl([...args, '-n', namespace, '--dry-run=server', '-f', '-'], input);
      return '';
    } catch (error) {
      return String(error);
    }
  };
  const apply = (yaml: string): Promise<string> => refused(['apply'], yaml);
  const createJob = (serviceAccountName: string | undefined, image: string): Promise<string> => {
    const pod = { containers: [{ name: 'c', image }], restartPolicy: 'Never' };
    const spec = {
      template: { spec: { ...pod, ...(serviceAccountName && { serviceAccountName }) } },
    };
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { generateName: 'x-' }, spec };
    return refused(['create', `--as=${WORKER}`], JSON.stringify(job));
  };

  it('refuse the annotations that the worker refuses, and no others', async () => {
    const names = Object.values(POLICY_ANNOTATIONS).map((name) => name.replace(/^.*\//, ''));
    const untested = names.filter((name) => !(name in VALUES));
    assert.deepEqual(untested, ['only-after-firing'], 'that is for resolved alerts');
    const cases = Object.entries(VALUES).flatMap(([name, values]) =>
      values.map((value) => [name, value] as const),
    );
    const answers = await Promise.all(
      cases.map(([name, value]) => apply(definition('Disk', { policy: { [name]: value } }))),
    );
    for (const [index, [name, value]] of cases.entries()) {
      const answer = answers[index] ?? '';
      assert.equal(answer === '', isValid(name, value), `${name}: ${value}: ${answer}`);
      if (answer !== '') assert.match(answer, /openfero\.io\//);
    }
    const undo = { status: 'resolved', policy: { 'only-after-firing': 'true' } } as const;
    assert.equal(await apply(definition('Disk', undo)), '');
    assert.match(
      await apply(definition('Disk', { metadata: { name: 'disk' } })),
      /-firing or -resolved/,
    );
  });

  it('leave other ConfigMaps and the switch alone', async () => {
    const other = { labels: { app: 'other' }, name: 'other' };
    assert.equal(await apply(definition('Disk', { metadata: other, policy: { x: 'y' } })), '');
    assert.equal(await apply(definition('Disk', { metadata: { name: 'openfero' } })), '');
  });

  it('allow the worker only the ServiceAccounts and images of the list', async () => {
    const good = 'registry.example.com/remediations/restart:1';
    assert.equal(await createJob(undefined, good), '');
    assert.match(await createJob('openfero-worker', good), /ServiceAccount openfero-worker is not/);
    assert.match(
      await createJob(undefined, 'docker.io/evil'),
      /an image of docker.io\/evil begins/,
    );
    const near = 'registry.example.com/remediations-evil/x';
    assert.match(await createJob(undefined, near), /begins with none/);
  });
});
