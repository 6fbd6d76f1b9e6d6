import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseManifest } from '@openfero/core/yaml';
import { at } from '@openfero/testkit/controlplane';
import { describeChart, find, installCrds } from './chart.ts';

const FOLDER = fileURLToPath(new URL('../../deploy/alertmanager/', import.meta.url));

/** Values of the chart by the example that is the same. */
const EXAMPLES: Readonly<Record<string, string>> = {
  'alertmanagerconfig-bearer.yaml': 'receiver.auth.type=bearer',
  'alertmanagerconfig-basic-tls.yaml':
    'receiver.auth.type=basic,receiver.auth.username=alertmanager,receiver.tls.secret=openfero-receiver-tls',
};

await describeChart('the examples for the Prometheus Operator', (chart, plane) => {
  before(() => installCrds(plane));

  for (const [file, values] of Object.entries(EXAMPLES)) {
    it(`${file} is what the chart creates, and a strict API server accepts it`, async () => {
      const text = await readFile(`${FOLDER}${file}`, 'utf8');
      const objects = await chart.render(
        '--set=monitoring.alertmanagerConfig.enabled=true',
        '--set=receiver.auth.existingSecret.name=openfero-receiver',
        '--set=monitoring.alertmanagerConfig.groupBy={alertname,cluster,namespace}',
        `--set=${values}`,
      );
      const rendered = find(objects, 'AlertmanagerConfig', 'openfero-receiver');
      const example = parseManifest(text);
      assert.deepEqual(at(example, 'spec'), at(rendered, 'spec'));
      const label = ['metadata', 'labels', 'app.kubernetes.io/part-of'];
      assert.equal(at(example, ...label), at(rendered, ...label));

      const namespace = await plane.createNamespace();
      const strictly = ['--dry-run=server', '--validate=strict', '--warnings-as-errors'];
      const moved = text.replace('namespace: openfero\n', `namespace: ${namespace}\n`);
      await plane.kubectl(['create', '-f', '-', ...strictly], moved);
    });
  }
});
