import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Remediation } from '@openfero/core/redis/remediation';
import { deployedMemory } from '@openfero/testkit/deployed';
import { mostMemory } from '@openfero/testkit/process';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { startDashboard } from './dashboard.ts';
import { remediation, testQueue } from './remediations.ts';

const MiB = 1024 * 1024;
const LIMITS = deployedMemory('dashboard').env;

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

/** An alert as large as an older receiver stored it, with a € so that each character takes two bytes. */
function large(id: string, labels = {}): Remediation {
  const given = remediation(id, labels);
  const annotations = { description: `€${'x'.repeat(2.9e6)}` };
  return { ...given, alert: { ...given.alert, annotations } };
}

test('a list of alerts of 2.9 MB is short, and the dashboard stays within its memory', async (t) => {
  const prefix = 'large';
  const { queue, close } = testQueue(server.url, prefix);
  t.after(close);
  for (let i = 0; i < 20; i++) await queue.add('remediation', large(`r${i}`), { jobId: `r${i}` });
  await queue.add('remediation', remediation('small', {}), { jobId: 'small' });
  const env = { REDIS_URL: server.url, OPENFERO_QUEUE_PREFIX: prefix, ...LIMITS };
  const { ask, service } = await startDashboard(t, env);

  await service.ready();
  const path = '/queue/api/queues?activeQueue=remediations&jobsPerPage=300&status=';
  const answers = await Promise.all(
    ['waiting', 'latest', 'waiting'].map((s) => ask('GET', path + s)),
  );
  for (const { status, body } of answers) {
    assert.equal(status, 200);
    assert.ok(body.length < MiB, `${body.length} characters`);
    const [{ jobs }] = JSON.parse(body).queues;
    assert.equal(jobs.length, 21);
    for (const { name } of jobs) assert.equal(name, 'KubeQuotaAlmostFull firing');
    const dataOf = (wanted: string) => jobs.find(({ id = '' }) => id === wanted).data;
    assert.match(dataOf('r1').annotations['…'], /open the remediation to see it$/);
    assert.deepEqual(dataOf('small').annotations, {});
  }
  const one = await ask('GET', '/queue/api/queues/remediations/r1');
  assert.equal(JSON.parse(one.body).job.data.annotations.description.length, 2.9e6 + 1);
  const most = await mostMemory(service.pid);
  assert.ok(most < 512 * MiB, `it took ${Math.round(most / MiB)} MiB`);
});

test('a long title, a long result and a payload that is none are short in a list, too', async (t) => {
  const prefix = 'hostile';
  const { queue, end, close } = testQueue(server.url, prefix);
  t.after(close);
  const long = 'y'.repeat(100_000);
  const result = { outcome: 'dry-run', operarius: 'o', reason: long, manifest: long } as const;
  await end('long', result, { alertname: long });
  await queue.add('remediation', { any: long }, { jobId: 'none' });
  const env = { REDIS_URL: server.url, OPENFERO_QUEUE_PREFIX: prefix };
  const { ask, service } = await startDashboard(t, env);
  await service.ready();
  const { body } = await ask('GET', '/queue/api/queues?activeQueue=remediations&status=latest');
  assert.ok(body.length < 10_000, `${body.length} characters`);
  const names = JSON.parse(body).queues[0].jobs.map(({ name = '' }) => name);
  assert.deepEqual(names, ['remediation · unreadable', `${'y'.repeat(120)}… firing · dry-run`]);
});
