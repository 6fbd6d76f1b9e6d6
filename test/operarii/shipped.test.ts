import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { at } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { rightsOf } from '../rights.ts';
import { exists, type Installation, install } from './installation.ts';
import {
  containersOf,
  type Definition,
  definitionsOf,
  FOLDER,
  filesOf,
  read,
  STARTERS,
  scriptOf,
} from './starters.ts';

const COMMAND_LINE = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));

const KUBECTL = 'registry.k8s.io/kubectl:v1.36.3';
const SHELL = 'docker.io/library/busybox:1.37.0-musl';

/** Of each account, in a namespace that has its RoleBinding, and in any other. */
const RIGHTS: Readonly<Record<string, { readonly bound: string[]; readonly elsewhere: string[] }>> =
  {
    kubejobfailed: {
      bound: ['events: list', 'jobs.batch: delete,get', 'pods/log: get', 'pods: list'],
      elsewhere: [],
    },
    kubestatefulset: { bound: ['pods: delete,list', 'statefulsets.apps: get'], elsewhere: [] },
    kubepodcrashlooping: {
      bound: ['events: list', 'pods/log: get', 'pods: delete,get'],
      elsewhere: [],
    },
    kubedaemonsetrolloutstuck: {
      bound: ['controllerrevisions.apps: list', 'daemonsets.apps: get', 'pods: delete,list'],
      elsewhere: [],
    },
    kubedeploymentreplicasmismatch: {
      bound: ['deployments.apps: get,patch', 'events,pods,resourcequotas: list'],
      elsewhere: [],
    },
    kubehpamaxedout: { bound: ['horizontalpodautoscalers.autoscaling: get,patch'], elsewhere: [] },
    kubepersistentvolumefillingup: { bound: ['persistentvolumeclaims: get,patch'], elsewhere: [] },
    kubenodenotready: { bound: ['nodes: get,list,patch'], elsewhere: ['nodes: get,list,patch'] },
    kubenodeeviction: { bound: ['pods: delete', 'pods: list'], elsewhere: ['pods: list'] },
    kubeaggregatedapidown: { bound: [], elsewhere: [] },
  };

/** Runs what it contains wherever a shell reads it as a part of a script. */
const hostileText = (file: string): string =>
  `"; touch ${file}; $(touch ${file}) \`touch ${file}\` '; touch ${file}; #`;

describe('starter operarii as they are shipped', () => {
  it('are all in the list of deploy/operarii/README.md, and each has a README of its own', async () => {
    const list = await read('README.md');
    for (const starter of STARTERS) {
      assert.ok(list.includes(`(${starter}/README.md)`), starter);
      const readme = await read(starter, 'README.md');
      for (const heading of ['When it helps', 'What it may break', 'Try it']) {
        assert.ok(readme.includes(`## ${heading}`), `${starter}: ${heading}`);
      }
      for (const { alertname } of await definitionsOf(starter)) assert.ok(list.includes(alertname));
    }
  });

  it('pass their own tests, and openfero lint finds nothing in them', async () => {
    const openfero = async (...args: string[]): Promise<string> =>
      (await promisify(execFile)(process.execPath, [COMMAND_LINE, ...args])).stdout;
    assert.match(await openfero('test', join(FOLDER, 'tests.yaml')), /^ok /m);
    assert.equal((await openfero('lint', '--strict', '-o', 'json', FOLDER)).trim(), '[]');
  });

  it('create nothing, one at a time, at most once in an hour, and end after five minutes', async () => {
    for (const { name, annotations, job } of await allDefinitions()) {
      assert.equal(annotations['openfero.io/mode'], 'dry-run', name);
      assert.equal(annotations['openfero.io/max-active'], '1', name);
      assert.equal(annotations['openfero.io/cooldown'], '1h', name);
      assert.equal(at(job, 'spec', 'activeDeadlineSeconds'), 300, name);
    }
  });

  it('undo only what the operarius for the firing alert did', async () => {
    const undoing = (await allDefinitions()).filter(({ name }) => name.endsWith('-resolved'));
    assert.equal(undoing.length, 3);
    for (const { name, annotations } of undoing) {
      assert.equal(annotations['openfero.io/only-after-firing'], 'true', name);
    }
  });

  it('are not judged by the alert where they only look, or cannot end it', async () => {
    const judged = (await allDefinitions()).filter(
      ({ name, annotations }) =>
        name.endsWith('-firing') && annotations['openfero.io/effect-within'] !== 'off',
    );
    assert.deepEqual(judged.map(({ alertname }) => alertname).sort(), [
      'KubeAggregatedAPIDown',
      'KubeDaemonSetRolloutStuck',
      'KubeHpaMaxedOut',
      'KubePersistentVolumeFillingUp',
      'KubeStatefulSetReplicasMismatch',
      'KubeStatefulSetUpdateNotRolledOut',
    ]);
  });

  it('use images of one version, as an unprivileged user', async () => {
    for (const { name, job } of await allDefinitions()) {
      assert.equal(at(job, 'spec', 'template', 'spec', 'securityContext', 'runAsUser'), 65532);
      const images = containersOf(job).map((container) => String(at(container, 'image')));
      assert.deepEqual(
        images.filter((image) => image !== KUBECTL && image !== SHELL),
        [],
        name,
      );
    }
  });

  it('match only alerts that have the labels they use, and not in the form `exported_`', async () => {
    for (const { name, annotations, job } of await allDefinitions()) {
      const match = annotations['openfero.io/match'] ?? '';
      for (const label of variablesOf(job).map((one) => one.slice(9).toLowerCase())) {
        assert.ok(match.includes(`${label}!=""`), `${name}: ${label}`);
        assert.ok(match.includes(`exported_${label}=""`), `${name}: exported_${label}`);
      }
    }
  });
});

await describeOnControlPlane('starter operarii and what is around them', (plane) => {
  let here: Installation;
  before(async () => {
    here = await install(plane, STARTERS);
  });
  after(() => here.stop());

  it('have the rights that they need where they are bound, and no others', async () => {
    const accounts = STARTERS.filter((starter) => starter !== 'watchdog');
    assert.deepEqual(Object.keys(RIGHTS).sort(), [...accounts].sort());
    for (const [starter, expected] of Object.entries(RIGHTS)) {
      const kubeconfig = await here.kubeconfigOf(`openfero-${starter}`);
      const rights = (namespace: string): Promise<readonly string[]> =>
        rightsOf(plane, kubeconfig, namespace);
      assert.deepEqual(await rights(here.shopOf(starter)), expected.bound, starter);
      assert.deepEqual(await rights(here.jobs), expected.elsewhere, starter);
    }
    const kubeconfig = await here.kubeconfigOf('openfero-kubeaggregatedapidown');
    assert.deepEqual(await rightsOf(plane, kubeconfig, 'kube-system'), [
      'deployments named metrics-server.apps: get,patch',
    ]);
  });

  it('get a Job for each test alert, and no text of an alert runs as a command', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'openfero-starters-'));
    t.after(() => rm(folder, { recursive: true }));
    const marker = join(folder, 'ran');
    for (const [starter, file] of alerts()) {
      const job = await here.remediate(starter, file);
      const runs = [hostileText(marker), 'x --all-namespaces'].map((value) =>
        here.run(job, Object.fromEntries(variablesOf(job).map((name) => [name, value]))),
      );
      await Promise.all(runs);
      assert.equal(await exists(marker), false, starter);
      if (!variablesOf(job).includes('OPENFERO_NAMESPACE')) continue;
      const unbound = await here.run(job, { OPENFERO_NAMESPACE: 'kube-system' });
      assert.notEqual(unbound.code, 0, starter);
      assert.match(unbound.stderr, /is forbidden: User "system:serviceaccount:/);
    }
  });
});

async function allDefinitions(): Promise<readonly Definition[]> {
  return (await Promise.all(STARTERS.map(definitionsOf))).flat();
}

/** Each test alert, with its starter. */
function alerts(): readonly (readonly [starter: string, file: string])[] {
  return STARTERS.flatMap((starter) =>
    filesOf(starter, 'alert').map((file) => [starter, file] as const),
  );
}

/** The variables for labels that the scripts of a Job use. */
function variablesOf(job: unknown): readonly string[] {
  const text = containersOf(job).map(scriptOf).join('\n');
  return [...new Set(text.match(/(?<=\$)OPENFERO_(?!META_)\w+/g) ?? [])];
}
