import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { createDirectoryCluster } from '@openfero/cluster/directory/cluster';
import { createOperariusRegistry, type OperariusRegistry } from '@openfero/core/decisions/registry';
import { operariusName } from '@openfero/core/operarius';
import { definition, jobManifest } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { pino } from 'pino';
import { readSettings } from '../../src/settings.ts';
import { createSandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

/** The registry of a worker that knows one ConfigMap. */
async function registryOf(t: TestContext, yaml: string): Promise<OperariusRegistry> {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('only', yaml);
  const settings = readSettings(sandbox.env);
  assert.ok(settings.cluster.kind === 'directory');
  const log = pino({ level: 'silent' });
  const cluster = await createDirectoryCluster(settings, settings.cluster, log);
  t.after(() => cluster.close());
  return createOperariusRegistry(cluster, settings.policy);
}

const alertOf = (alertname: string) => remediation(alertname).alert;

/** Any number of alertnames of two characters lead to the ConfigMap and the key of `__`. */
const alike = (i: number): string =>
  `d${String.fromCodePoint(0x4e00 + (i % 20_000), 0x4e00 + Math.floor(i / 20_000))}`;

describe('100,000 alertnames that lead to one key', () => {
  test('share one definition, and the worker does not grow', async (t) => {
    const registry = await registryOf(t, definition(alike(0)));
    const first = registry.find(alertOf(alike(0)));
    assert.ok(first.operarius);
    const before = process.memoryUsage().heapUsed;
    for (let i = 1; i < 100_000; i++) {
      assert.equal(registry.find(alertOf(alike(i))).operarius, first.operarius);
    }
    const grown = process.memoryUsage().heapUsed - before;
    assert.ok(grown < 64 * 1024 * 1024, `${grown} bytes`);
  });

  test('are refused at once where the definition is wrong, however large it is', async (t) => {
    const pod = {
      containers: [{ name: 'c', args: Array.from({ length: 50_000 }, () => 'x') }],
      x: 5,
    };
    const job = JSON.stringify(jobManifest({ pod })).replace('batch/v1', 'batch/v2');
    const yaml = definition(alike(0), { data: { d__: job } });
    const registry = await registryOf(t, yaml);
    const since = performance.now();
    for (let i = 0; i < 1000; i++) {
      assert.throws(() => registry.find(alertOf(alike(i))), /is batch\/v2 Job/);
    }
    assert.ok(performance.now() - since < 10_000, 'it is parsed once');
  });
});

test('an alertname that the annotation does not name finds nothing, before and after the named one', async (t) => {
  const [named, other] = ['node:cpu', 'node_cpu'];
  const metadata = { name: operariusName(named, 'firing') };
  const yaml = definition(named, { metadata, policy: { alertname: named } });
  const registry = await registryOf(t, yaml);
  for (let round = 0; round < 2; round++) {
    assert.equal(registry.find(alertOf(other)).operarius, undefined);
    assert.ok(registry.find(alertOf(named)).operarius);
  }
});

test('an alertname without a key is told its own key, not that of another', async (t) => {
  const yaml = definition('Disk', { data: { a: 'x', b: 'y' } });
  const registry = await registryOf(t, yaml);
  for (const name of ['Disk', 'DISK', 'disk']) {
    assert.throws(
      () => registry.find(alertOf(name)),
      new RegExp(`none of its data keys is ${name}:`),
    );
  }
});
