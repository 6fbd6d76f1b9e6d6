import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, type TestContext, test } from 'node:test';
import { definition } from '@openfero/testkit/operarii';
import { type Service, serverOf, startService } from '@openfero/testkit/process';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation, startsNow } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { createSandbox, type Sandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const HOUR = 3_600_000;

/** A worker of its own process, on a machine whose clock is wrong by so many milliseconds. */
async function startSkewed(t: TestContext, sandbox: Sandbox, skew: number): Promise<Service> {
  const script = `const now = Date.now; Date.now = () => now() + ${skew};`;
  const preload = `data:text/javascript,${encodeURIComponent(script)}`;
  const service = await startService(serverOf('worker'), {
    ...sandbox.env,
    NODE_OPTIONS: `--import=${preload}`,
  });
  t.after(() => service.kill());
  return service;
}

const outcomeOf = async (service: Service, id: string): Promise<unknown> => {
  const line = await service.waitForLine(
    ({ remediation: of, outcome }) => of === id && outcome !== undefined,
  );
  return line['outcome'];
};

/** When the only delayed remediation is due. BullMQ's scores carry 12 more bits. */
async function dueIn({ redis, prefix }: Sandbox): Promise<number> {
  const [, score] = await redis.zrange(`${prefix}:remediations:delayed`, '0', '0', 'WITHSCORES');
  return Math.round(Number(score) / 0x1000) - Date.now();
}

for (const [name, skew] of [
  ['an hour ahead', HOUR],
  ['an hour behind', -HOUR],
] as const) {
  describe(`a worker whose clock is ${name}`, () => {
    test('holds a remediation for as long as any other, and takes it when it is due', async (t) => {
      const sandbox = await createSandbox(t, server.url);
      await sandbox.define('Disk', definition('Disk', { policy: { cooldown: '3s' } }));
      const service = await startSkewed(t, sandbox, skew);
      assert.equal(await outcomeOf(service, await sandbox.add(remediation('Disk'))), 'created');

      const since = performance.now();
      const id = await sandbox.add(remediation('Disk', startsNow()));
      await until('held', async () => (await sandbox.queue.getDelayedCount()) === 1);
      const due = await dueIn(sandbox);
      assert.ok(due > 0 && due < 4000, `due in ${due} ms`);
      const before = await commands(sandbox);

      assert.equal(await outcomeOf(service, id), 'created');

      const waited = performance.now() - since;
      assert.ok(waited > 2500 && waited < 6000, `${waited} ms`);
      assert.ok((await commands(sandbox)) - before < 500, 'it does not ask Redis all the time');
    });

    test('retries as soon as any other', async (t) => {
      const sandbox = await createSandbox(t, server.url);
      await sandbox.define('Disk');
      const service = await startSkewed(t, sandbox, skew);
      await service.ready();
      await rm(sandbox.jobsDir, { recursive: true });
      await sandbox.add(remediation('Disk'));
      await service.waitForLine(({ msg }) => msg === 'attempt failed, will be retried');
      await until('delayed', async () => (await sandbox.queue.getDelayedCount()) === 1);
      const due = await dueIn(sandbox);
      assert.ok(due > -500 && due <= 30_000, `due in ${due} ms`);
    });
  });
}

const commands = async ({ redis }: Sandbox): Promise<number> =>
  Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1]);

test('a worker notes when a remediation ended by the clock of Redis, however wrong its own is', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk');
  await sandbox.define('Broken', definition('Broken', { data: { Broken: 'x' } }));
  for (const days of [30, -30]) {
    const service = await startSkewed(t, sandbox, days * 24 * HOUR);
    for (const alertname of ['Disk', 'Broken']) {
      const of = { labels: { clock: String(days) } };
      await outcomeOf(service, await sandbox.add(remediation(alertname, of)));
    }
    await service.stop();
  }
  for (const set of ['completed', 'failed']) {
    const key = `${sandbox.prefix}:remediations:${set}`;
    assert.equal(await sandbox.redis.zcount(key, Date.now() - 60_000, Date.now() + 5000), 2, set);
  }
});
