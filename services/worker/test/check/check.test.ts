import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { definition, jobManifest } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { until } from '@openfero/testkit/until';
import { createSandbox, runWorker } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const INVALID = definition('Broken', { policy: { cooldown: 'soon' } });

test('a check says for which alerts the operarius runs, and what it warns of', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const job = JSON.stringify(jobManifest({ spec: { suspend: true } }));
  await sandbox.define('one', definition('LowerKey', { data: { 'job.yaml': job } }));
  const worker = await runWorker(t, sandbox);
  const line = await worker.line(({ msg }) => msg === 'operarius is valid, with warnings');
  assert.equal(line['runsFor'], 'firing alerts lowerkey, in upper or lower case');
  assert.match(String(line['warnings']), /spec\.suspend is true/);
});

test('a worker that starts says again which operarii are invalid, and once', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk');
  await sandbox.define('Broken', INVALID);
  const first = await runWorker(t, sandbox);
  await first.line(({ msg }) => msg === 'operarius is invalid and will not run');
  await until(
    'both are checked',
    async () => (await sandbox.redis.hlen(`${sandbox.prefix}:checks`)) === 2,
  );
  await first.stop();

  const second = await runWorker(t, sandbox);
  const line = await second.line(
    ({ msg }) => msg === 'operarius is still invalid and will not run',
  );
  assert.equal(line['operarius'], 'openfero-broken-firing');
  assert.match(String(line['problem']), /cooldown is "soon"/);
  await sandbox.define('Other');
  await second.line(
    ({ msg, operarius }) => msg === 'operarius is valid' && operarius === 'openfero-other-firing',
  );
  assert.equal(second.lines.filter(({ msg }) => msg.includes('still invalid')).length, 1);
  assert.ok(first.lines.every(({ msg }) => !msg.includes('still invalid')));
});

describe('a ConfigMap without the label', () => {
  test('is named with the command that adds it, if it looks like an operarius', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('one', definition('Disk', { metadata: { labels: { team: 'web' } } }));
    await sandbox.define('two', definition('x', { metadata: { name: 'settings', labels: {} } }));
    const worker = await runWorker(t, sandbox);
    const line = await worker.line(({ msg }) => msg === 'operarius is invalid and will not run');
    assert.equal(line['operarius'], 'openfero-disk-firing');
    assert.match(
      String(line['problem']),
      /not selected by app=openfero .*: run kubectl -n default label configmap openfero-disk-firing app=openfero$/,
    );
    const valid = 'openfero_operarius_valid{operarius="openfero-disk-firing"}';
    await until('the metric shows it', async () => (await worker.metric(valid)) === 0);
    assert.ok(Number.isNaN(await worker.metric('openfero_operarius_valid{operarius="settings"}')));
  });
});

test('the switch is no operarius, even with the label', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const metadata = { name: 'openfero', labels: { app: 'openfero' } };
  await sandbox.define('switch', JSON.stringify({ kind: 'ConfigMap', metadata }));
  await sandbox.define('Disk');
  const worker = await runWorker(t, sandbox);
  await worker.line(({ msg }) => msg === 'operarius is valid');
  assert.deepEqual(
    await sandbox.redis
      .hkeys(`${sandbox.prefix}:checks`)
      .then((keys) => keys.filter((key) => key === 'openfero')),
    [],
  );
  assert.ok(worker.lines.every(({ operarius }) => operarius !== 'openfero'));
});
