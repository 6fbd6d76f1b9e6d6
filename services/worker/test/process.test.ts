import assert from 'node:assert/strict';
import { unlink } from 'node:fs/promises';
import { after, before, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { definition } from '@openfero/testkit/operarii';
import { type Service, startService } from '@openfero/testkit/process';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation, startsNow } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { makePipe, reading } from './pipe.ts';
import { createSandbox, runWorker, type Sandbox } from './worker.ts';

const SERVER = fileURLToPath(new URL('../src/server.ts', import.meta.url));

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

async function start(
  t: TestContext,
  { env }: Pick<Sandbox, 'env'>,
  more: Readonly<Record<string, string>> = {},
): Promise<Service> {
  const service = await startService(SERVER, { ...env, ...more });
  t.after(() => service.kill());
  return service;
}

describe('a start that cannot be', () => {
  for (const [name, env] of [
    ['OPENFERO_COOLDOWN', { OPENFERO_COOLDOWN: 'soon' }],
    ['OPENFERO_LABEL_SELECTOR', { OPENFERO_LABEL_SELECTOR: 'app in (openfero)' }],
  ] as const) {
    test(`is one line that names ${name}, and exit 1`, async (t) => {
      const service = await start(t, await createSandbox(t, server.url), env);
      assert.deepEqual(await service.exited, { code: 1, signal: null });
      assert.equal(service.stderr.length, 1, service.stderr.join('\n'));
      assert.match(String(service.stderr[0]), new RegExp(`^${name}: \\S+ \\S+`));
      assert.equal(service.lines.length, 0);
    });
  }
});

test('a variable that looks like ours and is none is warned of', async (t) => {
  const service = await start(t, await createSandbox(t, server.url), { OPENFERO_COOLDWN: '1m' });
  await service.ready();
  const warned = service.lines.filter((line) => 'variable' in line);
  assert.deepEqual(
    warned.map((line) => line['variable']),
    ['OPENFERO_COOLDWN'],
  );
});

const NO_LIMITS = { OPENFERO_MAX_ACTIVE_JOBS: '0', OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '0' };

/** Queues so many of the alert `Disk`. @returns their ids */
async function addMany(sandbox: Sandbox, count: number): Promise<string[]> {
  const given = Array.from({ length: count }, (_, i) =>
    remediation('Disk', { labels: { instance: `${i}` } }),
  );
  return Promise.all(given.map(sandbox.add));
}

type Ends = readonly { readonly [field: string]: unknown }[];

function assertOneEndEach(ids: readonly string[], lines: Ends): void {
  const ended = lines.filter((line) => line['outcome'] !== undefined);
  assert.deepEqual(ended.map((line) => line['remediation']).sort(), ids.toSorted(), 'one end each');
  assert.deepEqual(new Set(ended.map((line) => line['outcome'])), new Set(['created']));
}

describe('SIGTERM', () => {
  test('ends it with 0, and what was left another one ends: nothing twice, nothing lost', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk');
    const service = await start(t, sandbox, NO_LIMITS);
    await service.ready();
    const ids = await addMany(sandbox, 300);
    await service.waitForLine((line) => line['outcome'] !== undefined);

    const since = performance.now();
    assert.deepEqual(await service.stop(), { code: 0, signal: null });
    assert.ok(performance.now() - since < 5000);

    const other = await runWorker(t, sandbox, NO_LIMITS);
    await until('all ended', async () => (await sandbox.queue.getCompletedCount()) === 300);
    await other.stop();
    assertOneEndEach(ids, [...service.lines, ...other.lines]);
    assert.equal((await sandbox.jobs()).length, 300);
  });

  test('ends it within 15 s though a remediation is stuck, and another one takes that up', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk', definition('Disk', { policy: { cooldown: '0s' } }));
    const service = await start(t, sandbox);
    const first = remediation('Disk');
    await sandbox.add(first);
    const { job } = await service.waitForLine((line) => line['outcome'] === 'created');
    const path = `${sandbox.jobsDir}/${job}.yaml`;
    await makePipe(path);
    const id = await sandbox.add(remediation('Disk', startsNow()));
    const stuck = await reading(t, path);

    const since = performance.now();
    service.kill('SIGTERM');
    await service.waitForLine(({ msg }) => msg === 'stopped', 20_000);
    assert.ok(performance.now() - since < 15_000);
    // A thread that hangs in the file system keeps the process: this one only.
    await stuck.letGo();
    assert.deepEqual(await service.exited, { code: 0, signal: null });

    await unlink(path);
    const other = await runWorker(t, sandbox);
    assert.equal((await other.end(id))['outcome'], 'created');
  });

  test('ends it also while Redis is away', async (t) => {
    const sandbox = await createSandbox(t, server.url);
    const service = await start(t, sandbox, { REDIS_URL: 'redis://127.0.0.1:1' });
    await service.waitForLine(({ msg }) => msg.startsWith('Redis is not reachable'));
    assert.deepEqual(await service.stop(20_000), { code: 0, signal: null });
  });
});

test('a worker that was stopped past its locks makes no second Job, and tells of no second end', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk');
  const service = await start(t, sandbox, { ...NO_LIMITS, OPENFERO_CONCURRENCY: '32' });
  await service.ready();
  const ids = await addMany(sandbox, 300);
  await service.waitForLine((line) => line['outcome'] !== undefined);
  service.kill('SIGSTOP');
  assert.ok((await sandbox.queue.getActiveCount()) > 0, 'it has some in hand');

  const other = await runWorker(t, sandbox, NO_LIMITS);
  await until('all ended', async () => (await sandbox.queue.getCompletedCount()) === 300);
  await other.stop();
  service.kill('SIGCONT');
  await service.stop();

  assertOneEndEach(ids, [...service.lines, ...other.lines]);
  assert.equal((await sandbox.jobs()).length, 300);
});
