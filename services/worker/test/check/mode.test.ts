import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { createSandbox, runWorker, type TestWorker } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

function globalSwitch(annotations: Record<string, string>): string {
  return JSON.stringify({ kind: 'ConfigMap', metadata: { name: 'openfero', annotations } });
}

/** The modes that the metric shows with 1. */
async function shown(worker: TestWorker): Promise<string[]> {
  const modes = ['run', 'dry-run', 'off'];
  const values = await Promise.all(
    modes.map((mode) => worker.metric(`openfero_mode{mode="${mode}"}`)),
  );
  assert.deepEqual(values.toSorted(), [0, 0, 1]);
  return modes.filter((_, i) => values[i] === 1);
}

test('a worker says within 5 s that the switch is in force, and the metric shows it', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const worker = await runWorker(t, sandbox);
  assert.deepEqual(await shown(worker), ['run']);

  const since = performance.now();
  await sandbox.define('switch', globalSwitch({ 'openfero.io/mode': 'off' }));
  const off = await worker.line(({ msg }) =>
    msg.startsWith('OpenFero is off, and creates no Jobs'),
  );
  assert.ok(performance.now() - since < 5000);
  assert.equal(off['level'], 'warn');
  assert.match(off.msg, /ConfigMap openfero: its annotation openfero\.io\/mode is "off"$/);
  assert.deepEqual(await shown(worker), ['off']);

  await sandbox.define('switch', globalSwitch({ 'openfero.io/mode': 'dry-run' }));
  await worker.line(({ msg }) => msg.startsWith('OpenFero only asks'));
  assert.deepEqual(await shown(worker), ['dry-run']);

  await sandbox.define('switch', globalSwitch({ 'openfero.io/mod': 'run' }));
  await worker.line(({ msg }) =>
    /is off.*openfero\.io\/mod is unknown, and so counts as off/.test(msg),
  );

  await rm(join(sandbox.operariiDir, 'switch.yaml'));
  const on = await worker.line(({ msg }) => msg.startsWith('OpenFero is on, and creates Jobs'));
  assert.equal(on['level'], 'info');
  assert.deepEqual(await shown(worker), ['run']);
});

test('OPENFERO_MODE is told at the start, and the switch cannot loosen it', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('switch', globalSwitch({ 'openfero.io/mode': 'run' }));
  const worker = await runWorker(t, sandbox, { OPENFERO_MODE: 'dry-run' });
  const line = await worker.line(({ msg }) => msg.startsWith('OpenFero only asks'));
  assert.match(line.msg, /OPENFERO_MODE is dry-run/);
  assert.deepEqual(await shown(worker), ['dry-run']);
});
