import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it, type TestContext } from 'node:test';
import { at } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition, jobManifest } from '@openfero/testkit/operarii';
import type { LogLine, Service } from '@openfero/testkit/process';
import { until } from '@openfero/testkit/until';
import { type ClusterSystem, startClusterSystem } from './cluster-system.ts';
import { notificationOf } from './system.ts';

/** A definition that runs nothing, and how its author learns why. */
interface Wrong {
  readonly alertname: string;
  readonly yaml: string;
  readonly says: RegExp;
  /** Where the alertname does not lead to it. */
  readonly name?: string;
  /** The end of an alert. */
  readonly outcome?: string;
}

const field = (name: string): Promise<string> =>
  readFile(new URL(`./payloads/operarii/${name}.yaml`, import.meta.url), 'utf8');

const job = (parts: Parameters<typeof jobManifest>[0]): string =>
  JSON.stringify(jobManifest(parts));

/** In the words of kubectl and of YAML, as people write them. */
const OWN: readonly Wrong[] = [
  {
    alertname: 'CoolDown',
    yaml: definition('CoolDown', { policy: { cooldown: '5 minutes' } }),
    says: /cooldown is "5 minutes": expected a duration such as 90s/,
  },
  {
    alertname: 'CronJobs',
    yaml: definition('CronJobs', { data: { CronJobs: '{apiVersion: batch/v1, kind: CronJob}' } }),
    says: /batch\/v1 CronJob: expected apiVersion batch\/v1 and kind Job/,
  },
  {
    alertname: 'Annotated',
    name: 'restart-web',
    yaml: definition('Annotated', {
      policy: { alertname: 'Annotated' },
      metadata: { name: 'restart-web' },
    }),
    says: /end it in -firing or -resolved/,
    outcome: 'no-operarius',
  },
  {
    alertname: 'Always',
    yaml: definition('Always', { job: { pod: { restartPolicy: 'Always' } } }),
    says: /the API server rejects it: .*restartPolicy/,
    outcome: 'rejected',
  },
  {
    alertname: 'Tabs',
    yaml: definition('Tabs', {
      data: { Tabs: 'apiVersion: batch/v1\nkind: Job\nspec:\n\ttemplate: {}\n' },
    }),
    says: /key Tabs: line 4: /,
  },
  {
    alertname: 'Documents',
    yaml: definition('Documents', { data: { Documents: `${job({})}\n---\n${job({})}` } }),
    says: /more than one YAML document/,
  },
  {
    alertname: 'Elsewhere',
    yaml: definition('Elsewhere', { job: { metadata: { namespace: 'kube-system' } } }),
    says: /metadata\.namespace is "kube-system".*leave it out/,
  },
  {
    alertname: 'NoTime',
    yaml: definition('NoTime', { job: { spec: { activeDeadlineSeconds: 0 } } }),
    says: /activeDeadlineSeconds is 0, so the Job fails at once/,
  },
  {
    alertname: 'Labelled',
    yaml: definition('Labelled', {
      metadata: { labels: { app: 'openfero', 'openfero.io/disabled': 'yes' } },
    }),
    says: /label openfero\.io\/disabled is not read.*openfero\.io\/mode: "off"/,
  },
  {
    alertname: 'Paused',
    yaml: definition('Paused', { data: { Paused: job({}), paused: 'true' } }),
    says: /data key paused is not read/,
  },
  {
    alertname: 'NoVolume',
    yaml: definition('NoVolume', {
      job: {
        pod: {
          containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
        },
      },
    }),
    says: /the API server rejects it: .*volumeMounts/,
    outcome: 'rejected',
  },
  {
    alertname: 'NoLabel',
    yaml: definition('NoLabel', { metadata: { labels: { app: 'openferro' } } }),
    says: /not selected by app=openfero .*kubectl -n .* label configmap openfero-nolabel-firing app=openfero/,
    outcome: 'no-operarius',
  },
];

/** Cases from the field, as they were sent to us. */
const FIELD: readonly (readonly [file: string, Omit<Wrong, 'yaml'>])[] = [
  [
    'owner-references',
    { alertname: 'FromCron', says: /copied from a cluster.*remove metadata\.ownerReferences/ },
  ],
  [
    'job-disabled',
    {
      alertname: 'Disabled',
      says: /label openfero\/job-disabled is not read.*openfero\.io\/mode: "off"/,
    },
  ],
  [
    'marks',
    {
      alertname: 'Marks',
      says: /\{\{ \.Alert\.Labels\.pod \}\}, which nothing expands: use \$\(OPENFERO_/,
    },
  ],
  [
    'exported',
    {
      alertname: 'Exported',
      says: /remove spec\.selector, spec\.template\.metadata\.labels\.controller-uid, spec\.template\.metadata\.labels\.job-name/,
    },
  ],
  [
    'names',
    {
      alertname: 'KustHash',
      name: 'openfero-kusthash-firing-7hf8k9m2bt',
      says: /should be openfero-kusthash-firing \(kustomize: .*disableNameSuffixHash/,
      outcome: 'no-operarius',
    },
  ],
  ['names', { alertname: 'Utf16', says: /Utf16 is in binaryData: save the file as UTF-8/ }],
];

const nameOf = ({ alertname, name }: Wrong): string =>
  name ?? `openfero-${alertname.toLowerCase()}-firing`;

await describeOnControlPlane('definitions that people write', (plane) => {
  const start = async (t: TestContext): Promise<{ system: ClusterSystem; worker: Service }> => {
    const system = await startClusterSystem(t, plane);
    const [worker] = await Promise.all([system.startWorker(), system.startReceiver()]);
    await worker.ready();
    return { system, worker };
  };
  const metrics = async (worker: Service): Promise<string> =>
    (await fetch(`${await worker.url()}/metrics`)).text();

  it('and that are wrong are named by log, Event and metric, and run nothing', async (t) => {
    const { system, worker } = await start(t);
    const field18 = await field('names');
    const all = [
      ...OWN,
      ...(await Promise.all(
        FIELD.map(async ([file, rest]) => ({ ...rest, yaml: await field(file) })),
      )),
    ];
    const documents = new Set(all.map(({ yaml }) => yaml));
    assert.ok(documents.has(field18));
    await system.define([...documents].join('\n---\n'));
    for (const wrong of all) {
      const isAbout = (line: LogLine): boolean =>
        line['operarius'] === nameOf(wrong) && line.msg.startsWith('operarius is');
      const line = await worker.waitForLine(isAbout);
      assert.equal(line.msg, 'operarius is invalid and will not run');
      assert.match(String(line['problem']), wrong.says);
      await until(`the Event on ${nameOf(wrong)}`, async () =>
        (await system.events(nameOf(wrong))).some(
          (event) =>
            at(event, 'reason') === 'InvalidOperarius' &&
            wrong.says.test(String(at(event, 'message'))),
        ),
      );
      const metric = `openfero_operarius_valid{operarius="${nameOf(wrong)}"} 0`;
      await until(metric, async () => (await metrics(worker)).includes(metric));
    }
    await system.post(notificationOf(all.map(({ alertname }) => ({ alertname }))));
    const ends = await system.ended(all.length);
    const outcomes = new Map(ends.map((end) => [end['alertname'], end['outcome']]));
    for (const { alertname, outcome = 'invalid-operarius' } of all) {
      assert.equal(outcomes.get(alertname), outcome, alertname);
    }
    assert.deepEqual(await system.jobs(), []);
  });

  it('in another case than the alert run for it, and the check says for which', async (t) => {
    const { system, worker } = await start(t);
    await system.define(await field('names'));
    const line = await worker.waitForLine(
      (each) => each['operarius'] === 'openfero-lowerkey-firing',
    );
    assert.equal(line['runsFor'], 'firing alerts lowerkey, in upper or lower case');
    await system.post(notificationOf([{ alertname: 'LowerKey' }]));
    assert.equal((await system.ended(1))[0]?.['outcome'], 'created');
  });

  it('and whose Jobs are suspended are warned of, and what waits for them names them', async (t) => {
    const { system, worker } = await start(t);
    await system.define(await field('suspended'));
    const line = await worker.waitForLine(
      (each) => each['operarius'] === 'openfero-suspend-firing',
    );
    assert.match(String(line['warnings']), /spec\.suspend is true/);
    const alerts = ['1', '2', '3'].map((instance) => ({ alertname: 'Suspend', instance }));
    await system.post(notificationOf(alerts));
    const held = await worker.waitForLine(({ msg }) => msg === 'remediation is held');
    const names = (await system.jobs()).map((each) => String(at(each, 'metadata', 'name')));
    assert.equal(names.length, 2);
    assert.match(
      String(held['reason']),
      /max-active of ConfigMap openfero-suspend-firing is 2: unfinished Jobs/,
    );
    for (const name of names) assert.ok(String(held['reason']).includes(name));
    const reasons = async (): Promise<unknown[]> =>
      (await system.events('openfero-suspend-firing')).map((event) => at(event, 'reason'));
    await until('the Event', async () => (await reasons()).includes('RemediationHeld'));
    assert.ok((await reasons()).includes('OperariusWarning'));
  });

  it('as the switch are answered: an Event and a line of each worker', async (t) => {
    const { system, worker } = await start(t);
    const second = await system.startWorker();
    await second.ready();
    const { namespace } = system;
    const events = async (reason: string): Promise<unknown[]> =>
      (await system.events('openfero')).filter((event) => at(event, 'reason') === reason);
    await plane.kubectl(['create', 'configmap', 'openfero', '-n', namespace]);
    const since = performance.now();
    await plane.kubectl([
      'annotate',
      'configmap',
      'openfero',
      '-n',
      namespace,
      'openfero.io/mode=off',
    ]);
    for (const each of [worker, second]) {
      await each.waitForLine(({ msg }) => msg.startsWith('OpenFero is off'));
    }
    assert.ok(performance.now() - since < 5000);
    await plane.kubectl([
      'annotate',
      'configmap',
      'openfero',
      '-n',
      namespace,
      'openfero.io/mode=run',
      '--overwrite',
    ]);
    for (const each of [worker, second]) {
      await each.waitForLine(({ msg }) => msg.startsWith('OpenFero is on'));
    }
    for (const reason of ['SwitchedOff', 'SwitchedOn']) {
      await until('both Events', async () => (await events(reason)).length === 2);
    }
  });
});
