import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { it, type TestContext } from 'node:test';
import { at, type Cluster } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { listen } from '@openfero/testkit/listen';
import { definition } from '@openfero/testkit/operarii';
import { until } from '@openfero/testkit/until';
import { type ClusterSystem, startClusterSystem } from './cluster-system.ts';
import { notificationOf } from './system.ts';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';

/** The create of Jobs, as a webhook and a policy select it. */
const JOBS = {
  ...{ apiGroups: ['batch'], apiVersions: ['v1'] },
  ...{ operations: ['CREATE'], resources: ['jobs'] },
};

const only = (namespace: string) => ({
  matchLabels: { 'kubernetes.io/metadata.name': namespace },
});

/** Creates an object of the whole cluster, until the end of the test. */
async function create(
  t: TestContext,
  plane: Cluster,
  path: string,
  object: unknown,
): Promise<void> {
  const made = await plane.request('POST', path, object);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  t.after(() => plane.request('DELETE', `${path}/${String(at(object, 'metadata', 'name'))}`));
}

/** Waits until the API server denies Jobs in the namespace: it learns of policies after a moment. */
async function denied(plane: Cluster, namespace: string): Promise<void> {
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs?dryRun=All`;
  const job = {
    metadata: { name: 'probe' },
    spec: {
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } },
    },
  };
  await until(
    'Jobs are denied',
    async () => (await plane.request('POST', path, job)).status === 403,
  );
}

/** Sends an alert. @returns the reasons of its check and of its end, which both are a rejection */
async function rejections(system: ClusterSystem): Promise<readonly [string, string]> {
  const [worker] = [await system.startWorker(), await system.startReceiver()];
  await worker.ready();
  await system.define(definition('Disk'));
  const check = await worker.waitForLine(({ msg }) => msg.startsWith('operarius is'));
  assert.equal(check.msg, 'operarius is invalid and will not run');
  await system.post(notificationOf([{ alertname: 'Disk' }]));
  const [end] = await system.ended(1);
  assert.equal(end?.['outcome'], 'rejected');
  assert.deepEqual(await system.jobs(), []);
  return [String(check['problem']), String(end?.['reason'])];
}

await describeOnControlPlane('an API server that forbids a Job', (plane) => {
  it('by a ValidatingAdmissionPolicy has judged the definition: rejected, with its message', async (t) => {
    const system = await startClusterSystem(t, plane);
    const { namespace: name } = system;
    await create(t, plane, `${ADMISSION}/validatingadmissionpolicies`, {
      metadata: { name },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: { namespaceSelector: only(name), resourceRules: [JOBS] },
        validations: [{ expression: 'false', message: 'no Jobs on Sundays', reason: 'Forbidden' }],
      },
    });
    await create(t, plane, `${ADMISSION}/validatingadmissionpolicybindings`, {
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'] },
    });
    await denied(plane, name);
    for (const reason of await rejections(system)) {
      assert.match(reason, /ValidatingAdmissionPolicy .* denied request: no Jobs on Sundays/);
    }
  });

  it('by an admission webhook has judged the definition: rejected, with its message', async (t) => {
    const system = await startClusterSystem(t, plane);
    const { namespace: name } = system;
    const [cert, key] = await Promise.all(
      ['apiserver.crt', 'apiserver.key'].map((file) => readFile(join(plane.folder, file))),
    );
    const webhook = createServer({ cert, key }, (request, response) => {
      void text(request).then((body) => {
        const review = JSON.parse(body);
        const status = { code: 403, message: 'images need a digest' };
        const answer = { uid: review.request.uid, allowed: false, status };
        response.setHeader('content-type', 'application/json');
        response.end(
          JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: answer }),
        );
      });
    });
    const port = await listen(webhook);
    t.after(() => webhook.close());
    await create(t, plane, `${ADMISSION}/validatingwebhookconfigurations`, {
      metadata: { name },
      webhooks: [
        {
          name: 'deny.example.com',
          clientConfig: {
            url: `https://127.0.0.1:${port}/`,
            caBundle: Buffer.from(plane.ca).toString('base64'),
          },
          namespaceSelector: only(name),
          rules: [JOBS],
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    });
    await denied(plane, name);
    for (const reason of await rejections(system)) {
      assert.match(
        reason,
        /admission webhook "deny\.example\.com" denied the request: images need a digest/,
      );
    }
  });

  it('for want of rights has judged the worker: it names the Role, and the Job is created once it may', async (t) => {
    const namespace = await plane.createNamespace();
    const token = await plane.tokenFor(namespace, 'worker');
    const kubeconfig = await plane.kubeconfig({ token }, namespace);
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    const rules = (verbs: readonly string[]) => [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] },
      { apiGroups: ['batch'], resources: ['jobs'], verbs },
      { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
    ];
    const role = { metadata: { name: 'worker' }, rules: rules(['get', 'list', 'watch']) };
    await create(t, plane, `${rbac}/roles`, role);
    await create(t, plane, `${rbac}/rolebindings`, {
      metadata: { name: 'worker' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'worker' },
      subjects: [{ kind: 'ServiceAccount', name: 'worker', namespace }],
    });
    const system = await startClusterSystem(t, plane, { namespace, kubeconfig });
    const [worker] = [await system.startWorker(), await system.startReceiver()];
    await worker.ready();
    await system.define(definition('Disk'));
    const unchecked = await worker.waitForLine(({ msg }) =>
      msg.startsWith('operarius was not checked'),
    );
    assert.match(
      String(unchecked['problem']),
      /cannot create resource "jobs".*: check the worker's Role/,
    );
    await system.post(notificationOf([{ alertname: 'Disk' }]));
    await worker.waitForLine(({ msg }) => msg === 'attempt failed, will be retried');
    const path = `${rbac}/roles/worker`;
    await plane.request('PATCH', path, { rules: rules(['create', 'get', 'list', 'watch']) });
    const [end] = await system.ended(1, 40_000);
    assert.equal(end?.['outcome'], 'created');
  });
});
