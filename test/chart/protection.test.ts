import assert from 'node:assert/strict';
import { it } from 'node:test';
import { at } from '@openfero/testkit/controlplane';
import { describeChart, environmentOf, find, SERVICES, valuesOf } from './chart.ts';

/** What may connect to a component, in the form of the values. */
const from = (namespace: string) => [
  { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } },
];

await describeChart('the chart protects its pods', (chart, plane) => {
  it('with a PodDisruptionBudget only where another pod remains', async () => {
    const budgets = async (...values: string[]): Promise<string[]> => {
      const objects = await chart.render(...values.map((value) => `--set=${value}`));
      return objects
        .filter((one) => at(one, 'kind') === 'PodDisruptionBudget')
        .map((one) => String(at(one, 'metadata', 'name')))
        .sort();
    };
    assert.deepEqual(await budgets(), ['openfero-receiver', 'openfero-worker']);
    assert.deepEqual(await budgets('receiver.replicas=1'), ['openfero-worker']);
    assert.deepEqual(await budgets('worker.replicas=1', 'dashboard.replicas=2'), [
      'openfero-dashboard',
      'openfero-receiver',
    ]);
    const scaled = ['receiver.autoscaling.enabled=true', 'receiver.autoscaling.minReplicas=1'];
    assert.deepEqual(await budgets(...scaled), ['openfero-worker']);
    assert.deepEqual(await budgets('worker.keda.enabled=true', 'worker.keda.minReplicaCount=1'), [
      'openfero-receiver',
    ]);
  });

  it('with a NetworkPolicy that admits whom the values name, and nobody else', async () => {
    const policy = {
      alertmanager: from('alerting'),
      prometheus: from('monitoring'),
      ingressController: from('ingress'),
      keda: from('keda'),
    };
    const objects = await chart.render(
      '--set-json',
      `networkPolicy=${JSON.stringify(policy)}`,
      '--set=dashboard.ingress.enabled=true,dashboard.ingress.host=openfero.example.com',
      '--set=worker.keda.enabled=true',
    );
    const admitted = (component: string): unknown => {
      const found = find(objects, 'NetworkPolicy', `openfero-${component}`);
      assert.deepEqual(at(found, 'spec', 'policyTypes'), ['Ingress', 'Egress'], component);
      return at(found, 'spec', 'ingress');
    };
    const only = (component: string): unknown => {
      const ingress = admitted(component);
      assert.equal(Array.isArray(ingress) ? ingress.length : 0, 1, component);
      return at(ingress, 0, 'from');
    };
    assert.deepEqual(only('receiver'), [...from('alerting'), ...from('monitoring')]);
    assert.deepEqual(only('worker'), from('monitoring'));
    // Prometheus reaches the metrics of the dashboard, not its pages.
    assert.deepEqual(admitted('dashboard'), [
      { from: from('monitoring'), ports: [{ port: 8083 }] },
      { from: from('ingress'), ports: [{ port: 8082 }] },
    ]);
    const clients = Object(only('redis')).map((one: unknown) => {
      const labels = at(one, 'podSelector', 'matchLabels');
      return at(labels, 'app.kubernetes.io/component') ?? one;
    });
    assert.deepEqual(clients, ['receiver', 'worker', 'dashboard', ...from('keda')]);
  });

  it('with no way in to the pages of a dashboard without an ingress', async () => {
    const objects = await chart.render(...valuesOf('ci/default-values.yaml'));
    const policy = find(objects, 'NetworkPolicy', 'openfero-dashboard');
    const everyone = [{ namespaceSelector: {} }];
    assert.deepEqual(at(policy, 'spec', 'ingress'), [{ from: everyone, ports: [{ port: 8083 }] }]);
  });

  it('opens the network to the Redis, the sentinels and the nodes that the values name', async () => {
    const ports = async (file: string): Promise<unknown> => {
      const objects = await chart.render(...valuesOf(file));
      return at(find(objects, 'NetworkPolicy', 'openfero-worker'), 'spec', 'egress', 0);
    };
    assert.deepEqual(await ports('ci/external-redis-tls-acl-values.yaml'), {
      ports: [{ port: 6380 }],
      to: [{ ipBlock: { cidr: '192.0.2.0/28' } }],
    });
    const open = (...numbers: number[]) => ({ ports: numbers.map((port) => ({ port })) });
    assert.deepEqual(await ports('ci/sentinel-values.yaml'), open(26379, 6379));
    assert.deepEqual(await ports('ci/cluster-values.yaml'), open(7000, 7001, 7002));
    assert.deepEqual(await ports('ci/multi-namespace-values.yaml'), open(6379));
  });

  it('lets receiver and worker send traces to the collector that the values name', async () => {
    for (const [endpoint, port] of [
      ['http://collector.tracing.svc:4318', 4318],
      ['https://collector.example.com', 443],
    ] as const) {
      const objects = await chart.render(`--set=tracing.endpoint=${endpoint}`);
      for (const service of SERVICES) {
        const variables = environmentOf(find(objects, 'Deployment', `openfero-${service}`));
        const egress = at(find(objects, 'NetworkPolicy', `openfero-${service}`), 'spec', 'egress');
        const isTraced = service !== 'dashboard';
        const set = variables['OTEL_EXPORTER_OTLP_ENDPOINT'];
        assert.equal(set, isTraced ? endpoint : undefined);
        const opened = JSON.stringify(egress).includes(`{"ports":[{"port":${port}}]}`);
        assert.equal(opened, isTraced, service);
      }
    }
  });

  it('lets the worker ask the Alertmanagers that the values name', async () => {
    const urls = ['https://am.example.com', 'http://am-0.am:9095/base', 'http://[fd00::1]'];
    const objects = await chart.render(`--set=worker.settings.alertmanagerUrl=${urls.join('\\,')}`);
    const egress = at(find(objects, 'NetworkPolicy', 'openfero-worker'), 'spec', 'egress');
    const ports = [443, 9095, 80, 9093].map((port) => ({ port }));
    assert.deepEqual(Object(egress).at(-1), { ports });
  });

  it('lets a node be drained while none of its pods is ready', async () => {
    const objects = await chart.render();
    const namespace = await plane.createNamespace();
    const core = `/api/v1/namespaces/${namespace}`;
    const budgets = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
    for (const name of ['openfero-receiver', 'openfero-worker']) {
      const { metadata, ...budget } = Object(find(objects, 'PodDisruptionBudget', name));
      await plane.request('POST', budgets, { ...budget, metadata: { ...metadata, namespace } });
      // What the controllers and the kubelet say while Redis is away.
      const status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 1 };
      await plane.request('PATCH', `${budgets}/${name}/status`, {
        status: { ...status, expectedPods: 2, observedGeneration: 1 },
      });
      await plane.request('POST', `${core}/pods`, podOf(name, budget.spec.selector.matchLabels));
      const notReady = { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] };
      await plane.request('PATCH', `${core}/pods/${name}/status`, { status: notReady });
      const answer = await plane.request('POST', `${core}/pods/${name}/eviction`, {
        ...{ apiVersion: 'policy/v1', kind: 'Eviction' },
        metadata: { name },
      });
      assert.equal(answer.status, 201, String(at(answer.body, 'message')));
    }
  });
});

function podOf(name: string, labels: object): object {
  const containers = [{ name: 'service', image: 'openfero' }];
  const spec = { nodeName: 'node-1', automountServiceAccountToken: false, containers };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec };
}
