import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { definition, jobManifest } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation, STARTS } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { createPlaces } from '../../src/redis/places.ts';
import { createSandbox, runWorker } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

/** A ConfigMap that names its alert in the annotation; its Jobs begin with its own name. */
function annotated(name: string, alertname: string, policy: Record<string, string> = {}): string {
  return definition(alertname, {
    policy: { alertname, ...policy },
    metadata: { name },
    data: { 'job.yaml': JSON.stringify(jobManifest({ metadata: { name } })) },
  });
}

test('alertnames without a Latin letter each have an operarius', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('one', annotated('disk-full-firing', '磁盘已满'));
  await sandbox.define('two', annotated('no-memory-firing', 'нет памяти'));
  await sandbox.define('three', annotated('disk-freed-resolved', '磁盘已满'));
  const worker = await runWorker(t, sandbox);
  const cases = [
    ['磁盘已满', 'firing', 'disk-full-firing'],
    ['нет памяти', 'firing', 'no-memory-firing'],
    ['磁盘已满', 'resolved', 'disk-freed-resolved'],
  ] as const;
  for (const [alertname, status, name] of cases) {
    const line = await worker.end(await sandbox.add(remediation(alertname, { alert: { status } })));
    assert.deepEqual([line['outcome'], line['operarius']], ['created', name]);
    assert.ok(String(line['job']).startsWith(`${name}-`));
  }
  const other = await worker.end(await sandbox.add(remediation('其他')));
  assert.equal(other['outcome'], 'no-operarius');
  assert.deepEqual(other['operarius'], '');
});

test('the annotation counts more than the name', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('by-name', definition('Disk'));
  await sandbox.define('annotated', annotated('mine-firing', 'Disk'));
  const worker = await runWorker(t, sandbox);
  const line = await worker.end(await sandbox.add(remediation('Disk')));
  assert.equal(line['operarius'], 'mine-firing');
  const lower = await worker.end(await sandbox.add(remediation('DISK')));
  assert.equal(lower['operarius'], 'openfero-disk-firing');
});

test('two ConfigMaps that name the same alert are an error, and neither runs', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('one', annotated('a-firing', 'Disk'));
  await sandbox.define('two', annotated('b-firing', 'Disk'));
  const worker = await runWorker(t, sandbox);
  const line = await worker.end(await sandbox.add(remediation('Disk')));
  assert.equal(line['outcome'], 'invalid-operarius');
  assert.match(
    String(line['reason']),
    /firing alerts "Disk" in openfero\.io\/alertname: a-firing, b-firing/,
  );
  const checked = await worker.line(({ msg }) => msg === 'operarius is invalid and will not run');
  assert.match(String(checked['problem']), /a-firing, b-firing: keep one of them/);
});

test('a Job of an operarius with any name is an own Job', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('one', annotated('mine-firing', 'KubeJobFailed'));
  const worker = await runWorker(t, sandbox);
  const labels = { job_name: 'mine-firing-0123456789', namespace: 'default' };
  const line = await worker.end(await sandbox.add(remediation('KubeJobFailed', { labels })));
  assert.equal(line['outcome'], 'own-job');
});

test('held by its limit, it runs when a place is free', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('one', annotated('mine-firing', 'Disk', { 'max-active': '1' }));
  const { redis, prefix, queue } = sandbox;
  const places = createPlaces({ redis, prefix, maxActiveJobs: 50, historyCount: 1000, queue });
  const operarius = 'mine-firing';
  const other = remediation('Elsewhere');
  await places.take({
    ...{ troubleKey: 'x', episode: { instant: STARTS, count: 0 }, job: 'x', operarius },
    ...{
      maxActive: 0,
      remediation: other,
      known: '',
      abandoned: undefined,
      maxRuns: 'none',
      target: undefined,
    },
    entry: await sandbox.lock(other),
  });
  const worker = await runWorker(t, sandbox);
  const id = await sandbox.add(remediation('Disk'));
  await worker.line(({ msg }) => msg === 'remediation is held');
  await until('held', async () => (await redis.zcard(`${prefix}:held:max-active`)) === 1);
  await places.release({ name: 'x', operarius });
  assert.equal((await worker.end(id))['outcome'], 'created');
  const left = (await redis.keys(`${prefix}:*`)).filter((key) => /:(waiting|held)/.test(key));
  assert.deepEqual(left, []);
});

test('failed, it is found by openfero retry under the name of its ConfigMap', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('one', annotated('mine-firing', 'Disk', { cooldown: 'soon' }));
  const worker = await runWorker(t, sandbox);
  const id = await sandbox.add(remediation('Disk'));
  assert.equal((await worker.end(id))['operarius'], 'mine-firing');
  const openfero = fileURLToPath(new URL('../../../../packages/cli/src/main.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [openfero, 'retry', '--operarius', 'mine-firing', '--dry-run'],
    { env: { ...sandbox.env } },
  );
  assert.match(stdout, new RegExp(`${id} +mine-firing +invalid-operarius`));
});
