import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SETTING_NAMES } from '@openfero/core/setting-names';
import { at } from '@openfero/testkit/controlplane';
import {
  describeChart,
  environmentOf,
  find,
  readSchema,
  SERVICES,
  schemaAt,
  valuesOf,
} from './chart.ts';

await describeChart('the settings in the chart', (chart) => {
  it('are only those that the services know', async () => {
    const rendered = await Promise.all(
      ['ci/full-values.yaml', 'examples/managed-redis-values.yaml'].map((file) =>
        chart.render(...valuesOf(file)),
      ),
    );
    const names = rendered.flatMap((objects) =>
      SERVICES.flatMap((service) =>
        Object.keys(environmentOf(find(objects, 'Deployment', `openfero-${service}`))),
      ),
    );
    const ours = names.filter((name) => name.startsWith('OPENFERO_'));
    assert.ok(ours.includes('OPENFERO_MAX_ACTIVE_PER_OPERARIUS'));
    assert.deepEqual(
      ours.filter((name) => !SETTING_NAMES.has(name)),
      [],
    );
  });

  it('are all of them, except for a login to Alertmanager and for development', async () => {
    const schema = await readSchema();
    const keysOf = (service: string): string[] =>
      Object.keys(Object(at(schemaAt(schema, [service, 'settings']), 'properties')));
    const variableOf = (key: string): string =>
      `OPENFERO_${key.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
    const objects = await chart.render(...valuesOf('ci/full-values.yaml'));
    const set = SERVICES.flatMap((service) => [
      ...keysOf(service).map(variableOf),
      ...Object.keys(environmentOf(find(objects, 'Deployment', `openfero-${service}`))),
    ]);
    // A secret is a file, and the namespace of the Jobs is set only where it is another one.
    const elsewhere = /^OPENFERO_(AUTH_(PASSWORD|TOKEN(_FILE)?)|JOB_NAMESPACE)$/;
    const left =
      /^OPENFERO_(ALERTMANAGER_(USER|PASSWORD|TOKEN|CA)|(CLUSTER|OPERARII_DIR|JOBS_DIR)$)/;
    assert.deepEqual(
      [...SETTING_NAMES].filter(
        (name) => !set.includes(name) && !elsewhere.test(name) && !left.test(name),
      ),
      [],
    );
  });

  it('let extraEnv replace the options of Node.js, which the dashboard has', async () => {
    const set =
      '--set-json=dashboard.extraEnv=[{"name":"NODE_OPTIONS","value":"--trace-warnings"}]';
    const dashboard = find(await chart.render(set), 'Deployment', 'openfero-dashboard');
    const env = Object(at(dashboard, 'spec', 'template', 'spec', 'containers', 0, 'env'));
    const options = env.filter((one: object) => at(one, 'name') === 'NODE_OPTIONS');
    assert.deepEqual(options, [{ name: 'NODE_OPTIONS', value: '--trace-warnings' }]);
  });
});
