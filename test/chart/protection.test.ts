import assert from 'node:assert/strict';
import { it } from 'node:test';
import { at } from '@openfero/testkit/controlplane';
import { describeChart, find, valuesOf } from './chart.ts';

/** What may connect to a component, in the form of the values. */
const from = (namespace: string) => [
  { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } },
];

await describeChart('the chart protects its pods', (chart) => {
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
});
