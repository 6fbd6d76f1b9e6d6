import { test } from 'node:test';
import { definition } from '@openfero/testkit/operarii';
import { startRedis } from '@openfero/testkit/redis';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { notificationOf, startSystem } from './system.ts';

/** OPENFERO_FILL_RUNS=50000 is the long run, with the maxmemory of deploy/kubernetes. */
const RUNS = Number(process.env['OPENFERO_FILL_RUNS'] ?? 3_000);
/** MiB. */
const MAXMEMORY = RUNS > 3_000 ? 256 : 12;

/** Alerts per notification. */
const BATCH = 100;

test('dry runs that would fill Redis: alerts are still accepted, since what has ended is removed', async (t) => {
  const system = await startSystem(
    t,
    await startRedis({ args: ['--maxmemory', `${MAXMEMORY}mb`] }),
  );
  await system.define('disk.yaml', definition('Disk', { policy: { mode: 'dry-run' } }));
  await Promise.all([system.startReceiver(), system.startWorker()]);
  const redis = new Redis(system.redis.url);
  redis.on('error', () => {});
  t.after(() => redis.disconnect());
  const memory = async (): Promise<number> =>
    Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]) / 2 ** 20;

  // Sent again as Alertmanager does it: Redis may be almost full for some seconds.
  const accepted = (body: string): Promise<void> =>
    until('accepted', async () => (await system.post(body)).status === 200, 30_000);
  let most = 0;
  const since = performance.now();
  for (let sent = 0; sent < RUNS; sent += BATCH) {
    const body = notificationOf(
      Array.from({ length: BATCH }, (_, i) => ({ alertname: 'Disk', instance: `${sent + i}` })),
      { annotations: { description: 'x'.repeat(2_000) } },
    );
    await accepted(body);
    most = Math.max(most, await memory());
  }
  await until('all have ended', async () => (await waiting(redis)) === 0, 20 * RUNS);
  await until('Redis is not almost full', async () => (await memory()) < 0.7 * MAXMEMORY);
  await accepted(notificationOf([{ alertname: 'Disk', instance: 'last' }]));
  const seconds = Math.round((performance.now() - since) / 1000);
  t.diagnostic(
    `${RUNS} dry runs in ${seconds} s, maxmemory ${MAXMEMORY} MiB: at most ${most.toFixed(1)} MiB, ${(await memory()).toFixed(1)} MiB at the end`,
  );
});

async function waiting(redis: Redis): Promise<number> {
  const keys = (name: string): string => `{openfero}:remediations:${name}`;
  const [wait, active, delayed] = await Promise.all([
    redis.llen(keys('wait')),
    redis.llen(keys('active')),
    redis.zcard(keys('delayed')),
  ]);
  return wait + active + delayed;
}
