import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEntry } from '@openfero/core/history/parse';
import { historyKey } from '@openfero/core/redis/history';
import { definition } from '@openfero/testkit/operarii';
import { startProxy } from '@openfero/testkit/proxy';
import { startRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { createSandbox, runWorker } from '../worker.ts';

/** So many that the worker has not ended all when it loses its connection. */
const COUNT = 2000;

test('ends that Redis has stored, and whose answer was lost with the connection, come into the history', async (t) => {
  const server = await startRedis();
  t.after(() => server.stop());
  const proxy = await startProxy(server);
  t.after(() => proxy.close());
  const sandbox = await createSandbox(t, server.url);
  const { redis, prefix, queue } = sandbox;
  // Their end is all that is sent for them.
  await sandbox.define('Bad', definition('Bad', { data: {} }));
  const told = async (): Promise<ReadonlySet<string>> => {
    const entries = await redis.xrange(historyKey(prefix), '-', '+');
    return new Set(
      entries.flatMap(([, fields]) => {
        const entry = parseEntry(fields);
        return entry?.kind === 'end' ? [entry.id] : [];
      }),
    );
  };
  await Promise.all(
    Array.from({ length: COUNT }, (_, i) =>
      sandbox.add(remediation('Bad', { labels: { instance: `${i}` } })),
    ),
  );
  const worker = await runWorker(t, sandbox, { REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
  // Else what is missing is taken for trimmed.
  await until('some are told', async () => (await told()).size > 0);
  proxy.mute();
  let before = -1;
  await until('all that were sent have ended', async () => {
    const [known, now] = [before, await queue.getFailedCount()];
    before = now;
    return now === known;
  });
  const failed = (await queue.getFailed(0, COUNT)).map(({ id }) => String(id));
  proxy.cut();
  proxy.heal();
  const known = await told();
  const lost = failed.filter((id) => !known.has(id)).length;
  t.diagnostic(`${failed.length} of ${COUNT} had failed, ${lost} of them were not told`);
  assert.ok(lost > 0);
  await until('all are told', async () => {
    const now = await told();
    return failed.every((id) => now.has(id));
  });
  await worker.stop();
});
