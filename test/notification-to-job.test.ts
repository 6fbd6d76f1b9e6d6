import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { definition } from '@openfero/testkit/operarii';
import { notificationOf, readTestFile, startSystem } from './system.ts';

const EXAMPLE_VARIABLES = [
  ['OPENFERO_ALERTNAME', 'KubeQuotaAlmostFull'],
  ['OPENFERO_CLUSTER', 'dev-dmz'],
  ['OPENFERO_CONTAINER', 'kube-state-metrics'],
  ['OPENFERO_ENDPOINT', 'http'],
  ['OPENFERO_NAMESPACE', 'namespace'],
  ['OPENFERO_POD', 'mmop-kube-state-metrics-79fb6b966c-xrkgb'],
  ['OPENFERO_PROMETHEUS', 'monitoring/mmop-kube-prometheus-stack-prometheus'],
  ['OPENFERO_RESOURCE', 'requests.cpu'],
  ['OPENFERO_RESOURCEQUOTA', 'std-quota'],
  ['OPENFERO_SERVICE', 'mmop-kube-state-metrics'],
  ['OPENFERO_SEVERITY', 'info'],
  ['OPENFERO_STAGE', 'dev'],
  ['OPENFERO_ZONE', 'internal'],
];

/** A Job name that differs from the example's. */
const RESOLVED = { metadata: { name: 'resolved' } };

const tally = (ends: readonly { readonly [field: string]: unknown }[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { outcome } of ends) counts[String(outcome)] = (counts[String(outcome)] ?? 0) + 1;
  return counts;
};

describe('a notification becomes Jobs', () => {
  it("creates the example's Job for the example's alert, with the alert's labels", async (t) => {
    const system = await startSystem(t);
    await Promise.all([system.startReceiver(), system.startWorker()]);
    const response = await system.post(await readTestFile('alerts.json'));
    assert.equal(response.status, 200);
    const { remediations, ...counts } = Object(await response.json());
    assert.deepEqual(counts, { queued: 1, absorbed: 0, rejected: [] });
    const [end] = await system.ended(1);
    assert.equal(end?.['outcome'], 'created');
    assert.deepEqual(remediations, [end?.['remediation']]);
    const [name = '', ...others] = await system.jobs();
    assert.deepEqual(others, []);
    assert.match(name, /^openfero-kubequotaalmostfull-firing-[0-9a-f]{10}$/);
    const yaml = await system.readJob(name);
    const variables = [...yaml.matchAll(/- name: (OPENFERO_(?!META)\w+)\n +value: (.*)/g)];
    assert.deepEqual(
      variables.map(([, variable, value]) => [variable, value]),
      EXAMPLE_VARIABLES,
    );
    assert.match(yaml, /name: OPENFERO_META_STARTS_AT\n +value: '?2021-10-25T12:01:24.29524738Z/);
    assert.match(yaml, /- echo "Quota \$OPENFERO_RESOURCEQUOTA in namespace /);
  });

  it('creates one remediation per alert, with its own status', async (t) => {
    const system = await startSystem(t);
    await system.define(
      'resolved.yaml',
      definition('KubeQuotaAlmostFull', { status: 'resolved', job: RESOLVED }),
    );
    await Promise.all([system.startReceiver(), system.startWorker()]);
    const send = async (file: string, alerts: number): Promise<void> => {
      const response = await system.post(await readTestFile(`payloads/${file}`));
      const { queued, absorbed, rejected } = Object(await response.json());
      assert.deepEqual(
        { queued, absorbed, rejected },
        { queued: alerts, absorbed: 0, rejected: [] },
      );
    };
    await send('two-firing.json', 2);
    assert.deepEqual(tally(await system.ended(2)), { created: 2 });
    await send('firing-group-with-one-resolved.json', 2);
    // The alert that still fires has a Job already.
    assert.deepEqual(tally(await system.ended(4)), { created: 3, deduplicated: 1 });
    await send('resolved.json', 1);
    assert.deepEqual(tally(await system.ended(5)), { created: 4, deduplicated: 1 });
    const jobs = await system.jobs();
    assert.equal(jobs.filter((name) => name.startsWith('openfero-kube')).length, 2);
    assert.equal(jobs.filter((name) => name.startsWith('resolved-')).length, 2);
  });

  it('creates one Job per alert if the same body is sent ten times at once to two receivers', async (t) => {
    const system = await startSystem(t);
    await Promise.all([
      ...[system.startReceiver(), system.startReceiver()],
      ...[system.startWorker(), system.startWorker()],
    ]);
    const body = await readTestFile('payloads/two-firing.json');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => system.post(body, system.receivers[i % 2])),
    );
    let queued = 0;
    for (const answer of answers) {
      assert.equal(answer.status, 200);
      const { queued: own = 0 } = Object(await answer.json());
      queued += Number(own);
    }
    const counts = tally(await system.ended(queued));
    assert.deepEqual(counts, {
      created: 2,
      ...(queued > 2 && { deduplicated: queued - 2 }),
    });
    assert.equal((await system.jobs()).length, 2);
  });

  it('uses an operarius that is written while the worker runs', async (t) => {
    const system = await startSystem(t);
    await Promise.all([system.startReceiver(), system.startWorker()]);
    const send = (instance: string): Promise<Response> =>
      system.post(notificationOf([{ alertname: 'Fresh', instance }]));
    await send('before');
    assert.deepEqual(tally(await system.ended(1)), { 'no-operarius': 1 });
    await system.define('fresh.yaml', definition('Fresh'));
    const [worker] = system.workers;
    await worker?.waitForLine((line) => line.msg === 'operarii reloaded');
    await send('after');
    assert.deepEqual(tally(await system.ended(2)), { 'no-operarius': 1, created: 1 });
  });
});

describe('a person stops everything', () => {
  for (const [how, annotations] of [
    ['off', '{"openfero.io/mode": "off"}'],
    ['off without quotes, a boolean in YAML', '{openfero.io/mode: off}'],
    ['an invalid value', '{openfero.io/mode: "stop!"}'],
  ] as const) {
    it(`with openfero.io/mode on the ConfigMap openfero: ${how}`, async (t) => {
      const system = await startSystem(t);
      await system.define('any.yaml', definition('Any'));
      await Promise.all([system.startReceiver(), system.startWorker()]);
      await system.workers[0]?.ready();
      await system.define(
        'switch.yaml',
        `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: openfero\n  annotations: ${annotations}\n`,
      );
      const since = performance.now();
      await system.workers[0]?.waitForLine((line) => line.msg === 'operarii reloaded');
      assert.ok(performance.now() - since < 5000, 'in force within 5 s');
      await system.post(notificationOf([{ alertname: 'Any' }]));
      assert.deepEqual(tally(await system.ended(1)), { off: 1 });
      assert.deepEqual(await system.jobs(), []);
    });
  }
});
