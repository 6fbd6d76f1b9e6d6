import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { before, it } from 'node:test';
import { at, type Cluster } from '@openfero/testkit/controlplane';
import { CHART } from '@openfero/testkit/helm';
import { describeChart, installCrds, valuesOf } from './chart.ts';

/** The path below which objects of each kind are created. */
const PATHS: Readonly<Record<string, string>> = {
  Namespace: '/api/v1/namespaces',
  ConfigMap: '/api/v1/namespaces/N/configmaps',
  Secret: '/api/v1/namespaces/N/secrets',
  Service: '/api/v1/namespaces/N/services',
  ServiceAccount: '/api/v1/namespaces/N/serviceaccounts',
  Pod: '/api/v1/namespaces/N/pods',
  Deployment: '/apis/apps/v1/namespaces/N/deployments',
  StatefulSet: '/apis/apps/v1/namespaces/N/statefulsets',
  HorizontalPodAutoscaler: '/apis/autoscaling/v2/namespaces/N/horizontalpodautoscalers',
  PodDisruptionBudget: '/apis/policy/v1/namespaces/N/poddisruptionbudgets',
  NetworkPolicy: '/apis/networking.k8s.io/v1/namespaces/N/networkpolicies',
  Ingress: '/apis/networking.k8s.io/v1/namespaces/N/ingresses',
  Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/N/roles',
  RoleBinding: '/apis/rbac.authorization.k8s.io/v1/namespaces/N/rolebindings',
  HTTPRoute: '/apis/gateway.networking.k8s.io/v1/namespaces/N/httproutes',
  ScaledObject: '/apis/keda.sh/v1alpha1/namespaces/N/scaledobjects',
  TriggerAuthentication: '/apis/keda.sh/v1alpha1/namespaces/N/triggerauthentications',
  PodMonitor: '/apis/monitoring.coreos.com/v1/namespaces/N/podmonitors',
  PrometheusRule: '/apis/monitoring.coreos.com/v1/namespaces/N/prometheusrules',
  AlertmanagerConfig: '/apis/monitoring.coreos.com/v1alpha1/namespaces/N/alertmanagerconfigs',
};

/** Of a namespace: refuses such pods, and warns of workloads that would create them. */
const RESTRICTED = {
  'pod-security.kubernetes.io/enforce': 'restricted',
  'pod-security.kubernetes.io/warn': 'restricted',
};

/** The kinds that a shape is about. */
const SHAPES: Readonly<Record<string, readonly string[]>> = {
  'ci/default-values.yaml': ['StatefulSet', 'Secret', 'Namespace', 'Role', 'PodDisruptionBudget'],
  'ci/full-values.yaml': [
    'HorizontalPodAutoscaler',
    'Ingress',
    'HTTPRoute',
    'PodMonitor',
    'PrometheusRule',
    'AlertmanagerConfig',
    'ConfigMap',
  ],
  'ci/external-redis-tls-acl-values.yaml': ['NetworkPolicy'],
  'ci/sentinel-values.yaml': ['Deployment'],
  'ci/cluster-values.yaml': ['Deployment'],
  'ci/keda-values.yaml': ['ScaledObject', 'TriggerAuthentication'],
  'ci/openshift-values.yaml': ['StatefulSet'],
  'ci/no-rbac-create-values.yaml': ['Deployment'],
  'ci/multi-namespace-values.yaml': ['Namespace'],
  'examples/managed-redis-values.yaml': ['Deployment'],
};

await describeChart('each supported shape of the chart', (chart, plane) => {
  let namespace = '';
  before(async () => {
    await installCrds(plane);
    namespace = await plane.createNamespace(undefined, RESTRICTED);
  });

  for (const [file, kinds] of Object.entries(SHAPES)) {
    it(`${file}: helm accepts it, and a strict API server accepts every object without a warning`, async () => {
      await chart.helm('lint', '--strict', CHART, ...valuesOf(file));
      const objects = await chart.render(...valuesOf(file));
      const rendered = objects.map((one) => String(at(one, 'kind')));
      for (const kind of kinds) assert.ok(rendered.includes(kind), `${kind} is rendered`);
      const created = [...objects, ...podsOf(objects)];
      const problems = await Promise.all(created.map((one) => tryToCreate(plane, one, namespace)));
      assert.deepEqual(problems.flat(), []);
    });
  }

  it('no file in ci/ is left out above', async () => {
    const found = (await readdir(`${CHART}/ci`)).map((name) => `ci/${name}`).sort();
    const tested = Object.keys(SHAPES).filter((file) => file.startsWith('ci/'));
    assert.deepEqual(found, tested.sort());
  });

  it('the example for a managed Redis has less than 25 lines', async () => {
    const text = await readFile(`${CHART}/examples/managed-redis-values.yaml`, 'utf8');
    assert.ok(text.trim().split('\n').length < 25);
  });
});

/** What the API server says against an object, warnings included. Nothing is created. */
async function tryToCreate(plane: Cluster, object: unknown, namespace: string): Promise<string[]> {
  const kind = String(at(object, 'kind'));
  const path = PATHS[kind];
  if (path === undefined) return [`${kind}: add its path to PATHS`];
  const metadata = { ...Object(at(object, 'metadata')) };
  // A namespace for each shape would be slow to create: all objects are tried in this one.
  if (kind !== 'Namespace') metadata.namespace = namespace;
  const where = path.replace('/N/', `/${namespace}/`);
  const whole = { ...Object(object), metadata };
  const answer = await plane.request('POST', `${where}?dryRun=All&fieldValidation=Strict`, whole);
  const about = `${kind} ${metadata.name}`;
  const refused = answer.status === 201 ? [] : [`${about}: ${at(answer.body, 'message')}`];
  return [...refused, ...answer.warnings.map((warning) => `${about}: ${warning}`)];
}

/** The pods of the workloads: the namespace enforces its level on pods only. */
function podsOf(objects: readonly unknown[]): unknown[] {
  return objects
    .filter((one) => at(one, 'spec', 'template', 'spec') !== undefined)
    .map((one) => {
      const claims = at(one, 'spec', 'volumeClaimTemplates') === undefined ? [] : ['data'];
      const { volumes = [], ...spec } = Object(at(one, 'spec', 'template', 'spec'));
      return {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: at(one, 'metadata', 'name') },
        spec: {
          ...spec,
          // The account exists only in the release.
          serviceAccountName: 'default',
          volumes: [...volumes, ...claims.map((name) => ({ name, emptyDir: {} }))],
        },
      };
    });
}
