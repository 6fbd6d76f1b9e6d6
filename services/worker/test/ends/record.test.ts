import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ENDS } from '@openfero/core/outcome';
import { definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { createSandbox, runWorker } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const counted = (outcome: string, operarius = ''): string =>
  `openfero_remediations_total{outcome="${outcome}",operarius="${operarius}"}`;

test('every end starts at 0, so that its first increase is seen', async (t) => {
  const worker = await runWorker(t, await createSandbox(t, server.url));
  for (const end of ENDS) assert.equal(await worker.metric(counted(end)), 0, end);
});

test('an end is counted and logged once, under the names of definitions only', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk');
  await sandbox.define('Bad', definition('Bad', { data: {} }));
  const worker = await runWorker(t, sandbox);
  const expected = [
    [remediation('Disk', { labels: { namespace: 'a' } }), 'created', 'openfero-disk-firing'],
    [remediation('Disk', { labels: { namespace: 'a' } }), 'deduplicated', 'openfero-disk-firing'],
    [remediation('Bad'), 'invalid-operarius', 'openfero-bad-firing'],
    [remediation('Nobody\'s "alert"'), 'no-operarius', ''],
  ] as const;
  for (const [given, outcome, operarius] of expected) {
    const line = await worker.end(await sandbox.add(given));
    assert.equal(line['outcome'], outcome);
    assert.equal(line['operarius'], operarius);
    assert.equal(line['fingerprint'], given.alert.fingerprint);
    assert.equal(line['alertname'], given.alert.labels['alertname']);
    assert.equal(line['namespace'], given.alert.labels['namespace']);
    assert.equal(line['groupKey'], given.group.key);
    assert.equal(line['remediation'], given.id);
    assert.equal(await worker.metric(counted(outcome, operarius)), 1);
    const seconds = `openfero_remediation_duration_seconds_count{outcome="${outcome}"}`;
    assert.equal(await worker.metric(seconds), 1);
  }
  const ends = worker.lines.filter((line) => line['outcome'] !== undefined);
  assert.equal(ends.length, expected.length);
  assert.deepEqual(
    ends.map(({ level }) => level),
    ['info', 'info', 'error', 'info'],
  );
});

test('a line of the log holds no more than 200 characters of an alertname', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const worker = await runWorker(t, sandbox);
  const line = await worker.end(await sandbox.add(remediation('x'.repeat(5000))));
  assert.equal(line['alertname'], 'x'.repeat(200));
  assert.ok(JSON.stringify(line).length < 1500);
});

test('the queue is shown by state, and the age of what waits longest', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk');
  for (const zone of ['a', 'b']) await sandbox.add(remediation('Disk', { labels: { zone } }));
  const { id } = remediation('Disk');
  const timestamp = Date.now() - 120_000;
  await sandbox.queue.add('remediation', {}, { jobId: id, timestamp, lifo: true });
  await sandbox.queue.add('remediation', {}, { delay: 60_000, timestamp: 1 });
  // One that consumes nothing: its operarii cannot be read.
  const env = { OPENFERO_OPERARII_DIR: `${sandbox.operariiDir}/none` };
  const worker = await runWorker(t, sandbox, env);

  const states = 'openfero_queue_remediations';
  await until('seen', async () => (await worker.metric(`${states}{state="waiting"}`)) === 3);
  assert.equal(await worker.metric(`${states}{state="delayed"}`), 1);
  assert.equal(await worker.metric(`${states}{state="failed"}`), 0);
  const age = await worker.metric('openfero_queue_oldest_waiting_seconds');
  assert.ok(age >= 120 && age < 150, `${age} s`);
});
