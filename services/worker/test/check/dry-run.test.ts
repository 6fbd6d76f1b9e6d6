import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Cluster } from '@openfero/cluster/cluster';
import { createDirectoryCluster } from '@openfero/cluster/directory/cluster';
import { createLogger } from '@openfero/service/log';
import { definition } from '@openfero/testkit/operarii';
import { type CheckResult, dryRunOperarius } from '../../src/check/dry-run.ts';
import { readSettings } from '../../src/settings.ts';

const OPERARIUS = definition('Disk', { job: { pod: { serviceAccountName: 'openfero-worker' } } });

/** Checks the one operarius of a folder, as a worker with that ServiceAccount would. */
async function check(t: TestContext, serviceAccount?: string): Promise<CheckResult> {
  const folder = await mkdtemp(join(tmpdir(), 'openfero-check-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'operarii'));
  await writeFile(join(folder, 'operarii', 'disk.yaml'), OPERARIUS);
  const settings = readSettings({
    REDIS_URL: 'redis://unused',
    OPENFERO_CLUSTER: 'directory',
    OPENFERO_OPERARII_DIR: join(folder, 'operarii'),
    OPENFERO_JOBS_DIR: join(folder, 'jobs'),
  });
  assert.ok(settings.cluster.kind === 'directory');
  const directory = await createDirectoryCluster(
    settings,
    settings.cluster,
    createLogger('silent', 'test'),
  );
  t.after(() => directory.close());
  const cluster: Cluster = { ...directory, ...(serviceAccount && { serviceAccount }) };
  const [configMap] = [...cluster.operarii.all()];
  assert.ok(configMap !== undefined);
  return dryRunOperarius(configMap, { cluster, settings });
}

test("the check refuses a template that uses the worker's own ServiceAccount, as the worker does", async (t) => {
  const { problem } = await check(t, 'openfero-worker');
  assert.match(String(problem), /serviceAccountName is "openfero-worker", OpenFero's own/);
});

test('the check accepts that ServiceAccount where it is not the worker’s', async (t) => {
  assert.equal((await check(t)).problem, undefined);
  assert.equal((await check(t, 'another')).problem, undefined);
});
