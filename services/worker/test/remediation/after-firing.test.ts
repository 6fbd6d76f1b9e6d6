import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { firingTroubleOf } from '@openfero/core/identity/trouble';
import { DEFAULT_POLICY } from '@openfero/core/operarius/policy';
import { claimKey } from '@openfero/core/redis/memory';
import type { Remediation } from '@openfero/core/redis/remediation';
import { definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { LATER, remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { createSandbox, runWorker, type Sandbox, type TestWorker } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const firing = remediation('Disk');
const resolved: Remediation = {
  ...remediation('Disk'),
  alert: { ...firing.alert, status: 'resolved', endsAt: LATER },
};

async function running(
  t: TestContext,
  policy: Readonly<Record<string, string>> = {},
): Promise<{ sandbox: Sandbox; worker: TestWorker }> {
  const sandbox = await createSandbox(t, server.url);
  const undo = { status: 'resolved', policy: { 'only-after-firing': 'true' } } as const;
  const [act, restore] = [definition('Disk', { policy }), definition('Disk', undo)];
  await sandbox.define('Disk', `${act}\n---\n${restore}`);
  return { sandbox, worker: await runWorker(t, sandbox) };
}

const endOf = async (
  { sandbox, worker }: Awaited<ReturnType<typeof running>>,
  of: Remediation,
): Promise<string> => {
  const { outcome, reason } = await worker.end(await sandbox.add(of));
  return `${String(outcome)}: ${String(reason)}`;
};

test('it undoes what was done', async (t) => {
  const system = await running(t);
  assert.equal(await endOf(system, firing), 'created: created');
  assert.equal(await endOf(system, resolved), 'created: created');
});

test('it undoes nothing where nothing was done', async (t) => {
  const why =
    'not-matched: only-after-firing: ConfigMap openfero-disk-firing created no Job while this alert fired';
  const system = await running(t);
  assert.equal(await endOf(system, resolved), why);
  const dry = await running(t, { mode: 'dry-run' });
  assert.match(await endOf(dry, firing), /^dry-run/);
  assert.equal(await endOf(dry, resolved), why);
  assert.deepEqual(await dry.sandbox.jobs(), []);
});

test('it waits for the firing one while that creates its Job', async (t) => {
  const { sandbox, worker } = await running(t);
  const operarius = {
    ...{ name: 'openfero-disk-firing', namespace: 'default', key: '', template: {} },
    ...{ policy: DEFAULT_POLICY, definition: '', findings: [] },
  };
  const { troubleKey } = firingTroubleOf(resolved, operarius);
  const claim = [firing.alert.startsAt, '0', 'disk-0123456789', firing.id, String(Date.now())];
  const key = claimKey(sandbox.prefix, troubleKey);
  await sandbox.redis.set(key, JSON.stringify(claim));
  const id = await sandbox.add(resolved);
  await until('it is held', async () => {
    return (await worker.metric('openfero_remediations_held{reason="claimed"}')) === 1;
  });
  await sandbox.redis.del(key);
  await worker.end(await sandbox.add(firing));
  assert.equal((await worker.end(id))['outcome'], 'created');
});

test('it is refused on a firing operarius, and needs a valid one', async (t) => {
  const system = await running(t, { 'only-after-firing': 'true' });
  assert.match(await endOf(system, firing), /^invalid-operarius: .*is for resolved alerts/);
  assert.match(await endOf(system, resolved), /^invalid-operarius: .*openfero-disk-firing/);
});
