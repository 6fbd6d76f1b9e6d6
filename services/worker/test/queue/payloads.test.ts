import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { QUEUE } from '@openfero/core/redis/remediation';
import { deployedMemory } from '@openfero/testkit/deployed';
import { mostMemory, startService } from '@openfero/testkit/process';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { PAYLOAD_ROOM } from '../../src/queue/payloads.ts';
import { createSandbox, runWorker, type Sandbox } from '../worker.ts';

const SERVER = fileURLToPath(new URL('../../src/server.ts', import.meta.url));
const NO_LIMITS = { OPENFERO_MAX_ACTIVE_JOBS: '0', OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '0' };
const MiB = 1024 * 1024;

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

/** An alert as large as an older receiver stored it. With a € each character takes two bytes here. */
const large = (instance: string, characters = 2.9e6) =>
  remediation('Disk', {
    labels: { instance },
    alert: { annotations: { description: `€${'x'.repeat(characters)}` } },
  });

test('60 alerts of 2.9 MB and small ones between them: all end, within the memory of the container', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk');
  for (let i = 0; i < 60; i++) await sandbox.add(large(`${i}`));
  for (let i = 60; i < 120; i++) await sandbox.add(large(`${i}`, 10));
  const { limit, env } = deployedMemory('worker');
  const service = await startService(SERVER, { ...sandbox.env, ...NO_LIMITS, ...env });
  t.after(() => service.kill());

  const ended = until(
    'all ended',
    async () => (await sandbox.queue.getCompletedCount()) === 120,
    60_000,
  );
  const killed = service.exited.then(({ signal }) => assert.fail(`the worker ended: ${signal}`));
  await Promise.race([ended, killed]);
  const outcomes = service.lines.flatMap((line) => line['outcome'] ?? []);
  assert.deepEqual(new Set(outcomes), new Set(['created']));
  assert.equal((await sandbox.jobs()).length, 120);
  const most = await mostMemory(service.pid);
  assert.ok(most < limit * MiB, `it took ${Math.round(most / MiB)} MiB`);
});

test('a payload that no worker can hold ends as unreadable, and the others go on', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk');
  const tooLarge = await sandbox.add(large('too large', PAYLOAD_ROOM));
  const small = await sandbox.add(large('small', 10));
  const worker = await runWorker(t, sandbox);
  const line = await worker.end(tooLarge);
  assert.equal(line['outcome'], 'unreadable');
  assert.match(String(line['reason']), /^the payload has 167\d{5} characters, and a worker reads/);
  assert.equal((await worker.end(small))['outcome'], 'created');
});

test('what is no JSON is unreadable, also where it had to wait for room', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk');
  const first = await Promise.all(['a', 'b'].map((each) => sandbox.add(large(each, 9e6))));
  const broken = await sandbox.add(large('broken', 9e6));
  await sandbox.redis.hset(dataOf(sandbox, broken), 'data', 'x'.repeat(9e6));
  const worker = await runWorker(t, sandbox);
  assert.equal((await worker.end(broken))['outcome'], 'unreadable');
  for (const id of first) assert.equal((await worker.end(id))['outcome'], 'created');
});

const dataOf = ({ prefix }: Sandbox, id: string): string => `${prefix}:${QUEUE}:${id}`;
