import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { it, type TestContext } from 'node:test';
import { at, finishJob, jobsPath } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { listen } from '@openfero/testkit/listen';
import { definition, jobManifest } from '@openfero/testkit/operarii';
import { scrape } from '@openfero/testkit/scrape';
import { until } from '@openfero/testkit/until';
import { type ClusterSystem, startClusterSystem } from './cluster-system.ts';
import { notificationOf, readTestFile } from './system.ts';

const EXAMPLE = new URL('./payloads/example-operarius.yaml', import.meta.url);

const nameOf = (object: unknown): string => String(at(object, 'metadata', 'name'));

await describeOnControlPlane('on a real API server', (plane) => {
  /** Starts a receiver and a worker in a new namespace. */
  const start = async (
    t: TestContext,
    env: Record<string, string> = {},
    labels: Record<string, string> = {},
  ): Promise<ClusterSystem> => {
    const namespace = await plane.createNamespace(undefined, labels);
    const system = await startClusterSystem(t, plane, { namespace });
    const [worker] = await Promise.all([system.startWorker(env), system.startReceiver()]);
    await worker.ready();
    return system;
  };

  /** Waits until the worker has checked the operarius. */
  const defined = async (system: ClusterSystem, name: string): Promise<void> => {
    const [worker] = system.workers;
    const checked = (line: Readonly<Record<string, unknown>>): boolean =>
      line['operarius'] === name && /^operarius is/.test(String(line['msg']));
    await worker?.waitForLine(checked);
  };

  it("creates the example's Job from its ConfigMap, and logs the two warnings of the server", async (t) => {
    const system = await start(t);
    await system.define(await readFile(EXAMPLE, 'utf8'));
    await defined(system, 'openfero-kubequotaalmostfull-firing');
    await system.post(await readTestFile('alerts.json'));
    const [end] = await system.ended(1);
    assert.equal(end?.['outcome'], 'created');
    const warnings = end?.['warnings'];
    assert.ok(Array.isArray(warnings));
    assert.deepEqual(warnings.toSorted(), [
      'unknown field "spec.template.labels"',
      'unknown field "spec.template.spec.imagePullPolicy"',
    ]);
    const [job] = await system.jobs();
    const env = at(job, 'spec', 'template', 'spec', 'containers', 0, 'env');
    assert.ok(Array.isArray(env));
    const values = new Map(env.map((one) => [String(at(one, 'name')), at(one, 'value')]));
    assert.equal(values.get('OPENFERO_ALERTNAME'), 'KubeQuotaAlmostFull');
    assert.equal(values.get('OPENFERO_CLUSTER'), 'dev-dmz');
    assert.equal(values.get('OPENFERO_ZONE'), 'internal');
  });

  it('creates no second Job after Kubernetes has deleted the first one', async (t) => {
    const system = await start(t, { OPENFERO_COOLDOWN: '0s' });
    await system.define(definition('Deleted'));
    await defined(system, 'openfero-deleted-firing');
    const body = notificationOf([{ alertname: 'Deleted' }]);
    await system.post(body);
    await system.ended(1);
    const [job] = await system.jobs();
    const name = nameOf(job);
    const { namespace } = system;
    const path = `${jobsPath(namespace)}/${name}`;
    await plane.request('PATCH', path, { spec: { ttlSecondsAfterFinished: 1 } });
    await finishJob(plane, { namespace, name });
    await until('the Job is deleted', async () => (await system.jobs()).length === 0);
    await system.post(body);
    const ends = await system.ended(2);
    assert.deepEqual(
      ends.map(({ outcome }) => outcome),
      ['created', 'deduplicated'],
    );
    assert.deepEqual(await system.jobs(), []);
  });

  it('runs a later episode after the earlier Job has ended, even if its name is taken', async (t) => {
    const system = await start(t, { OPENFERO_COOLDOWN: '0s' });
    await system.define(definition('Again'));
    await defined(system, 'openfero-again-firing');
    let sent = 0;
    const outcome = async (): Promise<unknown> => {
      const startsAt = new Date().toISOString();
      await system.post(notificationOf([{ alertname: 'Again' }], { startsAt }));
      sent++;
      return (await system.ended(sent)).at(-1)?.['outcome'];
    };
    assert.equal(await outcome(), 'created');
    const [job] = await system.jobs();
    const name = nameOf(job);
    const path = jobsPath(system.namespace);

    assert.equal(await outcome(), 'deduplicated');

    await plane.request('DELETE', `${path}/${name}?propagationPolicy=Background`);
    await until('the Job is deleted', async () => (await system.jobs()).length === 0);
    const others = jobManifest({ metadata: { name } });
    assert.equal((await plane.request('POST', path, others)).status, 201);
    assert.equal(await outcome(), 'created');
  });

  it('creates one Job, not a chain, for an alert about its own failed Job', async (t) => {
    const system = await start(t);
    await system.define(definition('KubeJobFailed'));
    await defined(system, 'openfero-kubejobfailed-firing');
    const about = (name: string): string =>
      notificationOf([{ alertname: 'KubeJobFailed', job_name: name, namespace: system.namespace }]);
    await system.post(about('another-job'));
    await system.ended(1);
    const [job] = await system.jobs();
    await system.post(about(nameOf(job)));
    const ends = await system.ended(2);
    assert.equal(ends[1]?.['outcome'], 'own-job');
    assert.equal((await system.jobs()).length, 1);
  });

  it('creates the Job once a quota is removed', async (t) => {
    const system = await start(t);
    const { namespace } = system;
    const quotas = `/api/v1/namespaces/${namespace}/resourcequotas`;
    await plane.request('POST', quotas, {
      metadata: { name: 'none' },
      spec: { hard: { 'count/jobs.batch': '0' } },
    });
    const quota = async (): Promise<unknown> => (await plane.request('GET', `${quotas}/none`)).body;
    await until('the quota is in force', async () => Boolean(at(await quota(), 'status', 'hard')));
    await system.define(definition('Quota'));
    await system.post(notificationOf([{ alertname: 'Quota' }]));
    const [worker] = system.workers;
    await worker?.waitForLine((line) => /exceeded quota/.test(JSON.stringify(line)));
    const { value } = await scrape((await worker?.url()) ?? '');
    assert.ok((value('openfero_remediation_retries_total', { reason: 'quota' }) ?? 0) >= 1);
    await plane.request('DELETE', `${quotas}/none`);
    const [end] = await system.ended(1, 40_000);
    assert.equal(end?.['outcome'], 'created');
  });

  it("ends as rejected, with the server's message, if the operarius is invalid", async (t) => {
    const system = await start(t);
    await system.define(definition('Wrong', { job: { pod: { restartPolicy: 'Always' } } }));
    await defined(system, 'openfero-wrong-firing');
    await system.post(notificationOf([{ alertname: 'Wrong' }]));
    const [end] = await system.ended(1);
    assert.equal(end?.['outcome'], 'rejected');
    assert.match(String(end?.['reason']), /restartPolicy: .*Unsupported value|Required value/);
    const described = await plane.kubectl([
      ...['describe', 'configmap', 'openfero-wrong-firing', '-n', system.namespace],
    ]);
    assert.match(described, /Warning\s+InvalidOperarius.*the API server rejects it/);
  });

  it('warns the author at once if PodSecurity will never admit the Pods', async (t) => {
    const system = await start(t, {}, { 'pod-security.kubernetes.io/enforce': 'restricted' });
    await system.define(definition('Privileged'));
    const [worker] = system.workers;
    const line = await worker?.waitForLine(({ msg }) => msg.startsWith('operarius is'));
    assert.equal(line?.msg, 'operarius is invalid and will not run');
    assert.match(String(line?.['problem']), /its Pods cannot start: would violate PodSecurity/);
    await system.post(notificationOf([{ alertname: 'Privileged' }]));
    const [end] = await system.ended(1);
    assert.equal(end?.['outcome'], 'invalid-operarius');
    assert.match(String(end?.['reason']), /would violate PodSecurity/);
    assert.deepEqual(await system.jobs(), []);

    const labels = { 'pod-security.kubernetes.io/enforce': null };
    const path = `/api/v1/namespaces/${system.namespace}`;
    await plane.request('PATCH', path, { metadata: { labels } });
    await worker?.waitForLine(({ msg }) => msg === 'operarius is valid');
    const alert = { alertname: 'Privileged', instance: 'later' };
    await system.post(notificationOf([alert]));
    assert.equal((await system.ended(2)).at(-1)?.['outcome'], 'created');
  });

  it('runs what violates a PodSecurity level that is only warned of, with a warning', async (t) => {
    const system = await start(t, {}, { 'pod-security.kubernetes.io/warn': 'restricted' });
    await system.define(definition('Warned'));
    const [worker] = system.workers;
    const line = await worker?.waitForLine(({ msg }) => msg.startsWith('operarius is'));
    assert.equal(line?.msg, 'operarius is valid, with warnings');
    assert.match(
      String(line?.['warnings']),
      /if the namespace enforces this: would violate PodSecurity/,
    );
    await system.post(notificationOf([{ alertname: 'Warned' }]));
    assert.equal((await system.ended(1))[0]?.['outcome'], 'created');
  });

  it('creates the other Jobs while an admission webhook blocks one operarius', async (t) => {
    const silent = createServer(() => {});
    const port = await listen(silent);
    t.after(() => silent.close());
    const system = await start(t, { OPENFERO_MAX_AGE: '8s' });
    const { namespace } = system;
    const webhooks = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
    const made = await plane.request('POST', webhooks, {
      metadata: { name: namespace },
      webhooks: [
        {
          name: 'hangs.example.com',
          clientConfig: { url: `https://127.0.0.1:${port}/` },
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          objectSelector: { matchLabels: { poison: 'yes' } },
          rules: [
            {
              apiGroups: ['batch'],
              apiVersions: ['v1'],
              operations: ['CREATE'],
              resources: ['jobs'],
            },
          ],
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          timeoutSeconds: 30,
        },
      ],
    });
    assert.equal(made.status, 201);
    t.after(() => plane.request('DELETE', `${webhooks}/${namespace}`));
    const poison = { metadata: { labels: { poison: 'yes' } } };
    await system.define(definition('Poison', { job: poison }));
    await system.define(definition('Healthy'));
    await defined(system, 'openfero-healthy-firing');
    await system.post(notificationOf([{ alertname: 'Poison' }]));
    const healthy = Array.from({ length: 5 }, (_, i) => ({ alertname: 'Healthy', i: `${i}` }));
    await system.post(notificationOf(healthy));
    const ends = await system.ended(6, 40_000);
    assert.deepEqual(
      ends.map(({ outcome }) => outcome),
      [...Array.from({ length: 5 }, () => 'created'), 'expired'],
    );
    assert.match(String(ends[5]?.['reason']), /last error: /);
  });
});
