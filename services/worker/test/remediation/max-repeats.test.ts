import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { raisedKey, readRaised } from '@openfero/core/redis/raised';
import { missingAlertmanager, startAlertmanager } from '@openfero/testkit/alertmanager';
import { definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation, STARTS, startsNow } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { createEpisodeMemory } from '../../src/redis/memory.ts';
import { SILENT } from '../alertmanager/peers.ts';
import { createSandbox, runWorker, type Sandbox } from '../worker.ts';

const skip = process.env['CI'] === 'true' ? false : missingAlertmanager();

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

/** The alerts for people, with their reasons. */
async function raised({ redis, prefix }: Sandbox): Promise<string[]> {
  const all = Object.values(await redis.hgetall(raisedKey(prefix)));
  return all.map((text) => {
    const labels = readRaised(text)?.labels;
    return `${labels?.['alertname']}: ${labels?.['openfero_reason']}`;
  });
}

test('a trouble that comes back gets five Jobs, then an alert for people, and one more from a person', {
  skip,
}, async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk', definition('Disk', { policy: { cooldown: '0' } }));
  const alertmanager = await startAlertmanager(SILENT);
  t.after(() => alertmanager.stop());
  const other = remediation('Disk', { labels: { zone: 'dmz' } });
  await alertmanager.post([{ labels: { alertname: 'Disk' } }, { labels: other.alert.labels }]);
  const worker = await runWorker(t, sandbox, { OPENFERO_ALERTMANAGER_URL: alertmanager.url });
  for (let time = 0; time < 5; time++) {
    const end = await worker.end(await sandbox.add(remediation('Disk', startsNow())));
    assert.equal(end['outcome'], 'created');
  }
  const id = await sandbox.add(remediation('Disk', startsNow()));
  const stopped = await worker.end(id);
  assert.equal(stopped['outcome'], 'stopped');
  const reason = 'this problem has had 5 Jobs within 1d, and is back: max-repeats is 5/1d';
  assert.equal(stopped['reason'], reason);
  assert.equal((await sandbox.jobs()).length, 5);
  assert.equal(await sandbox.redis.zcard(`${sandbox.prefix}:places`), 0);
  assert.deepEqual(await sandbox.redis.keys(`${sandbox.prefix}:claim:*`), []);

  await until('it is raised', async () => (await raised(sandbox)).length > 0);
  assert.deepEqual(await raised(sandbox), ['DiskRemediationFailed: stopped']);

  assert.equal((await worker.end(await sandbox.add(other)))['outcome'], 'created', 'another one');

  const failed = await sandbox.queue.getJob(id);
  await failed?.retry();
  const again = await worker.line(
    (line) => line['remediation'] === id && line['outcome'] !== 'stopped' && 'outcome' in line,
  );
  assert.equal(again['outcome'], 'created');
});

test('by its annotation, or OPENFERO_MAX_REPEATS', async (t) => {
  for (const [limit, env] of [
    [{ 'max-repeats': '1/1h' }, {}],
    [{}, { OPENFERO_MAX_REPEATS: '1/1h' }],
  ] as const) {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk', definition('Disk', { policy: { cooldown: '0', ...limit } }));
    const worker = await runWorker(t, sandbox, env);
    const ends = [];
    for (let time = 0; time < 2; time++) {
      const end = await worker.end(await sandbox.add(remediation('Disk', startsNow())));
      ends.push(end['outcome']);
    }
    assert.deepEqual(ends, ['created', 'stopped']);
  }
});

test('the memory knows the latest 20 Jobs of a trouble, each once and in order', async (t) => {
  const { redis, prefix } = await createSandbox(t, server.url);
  const memory = createEpisodeMemory(redis, prefix);
  const k = 'a'.repeat(64);
  const jobAt = (createdAt: number) => ({
    ...{ episode: { instant: STARTS, count: 0 }, remediation: randomUUID() },
    ...{ job: `disk-${createdAt}`, createdAfter: createdAt, createdAt },
  });
  const times = Array.from({ length: 25 }, (_, index) => 1000 + index);
  for (const at of [...times.toReversed(), ...times]) await memory.remember(k, jobAt(at));
  const { creations, memory: latest } = await memory.look(k, remediation('Disk').alert, '');
  assert.deepEqual(creations, times.slice(-20));
  assert.equal(latest?.createdAt, 1024);
});
