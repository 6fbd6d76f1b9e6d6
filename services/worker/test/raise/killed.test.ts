import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseEntry } from '@openfero/core/history/parse';
import { historyKey } from '@openfero/core/redis/history';
import { fieldOf, raisedKey } from '@openfero/core/redis/raised';
import { definition } from '@openfero/testkit/operarii';
import { startService } from '@openfero/testkit/process';
import { startRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { createSandbox, runWorker } from '../worker.ts';

const SERVER = fileURLToPath(new URL('../../src/server.ts', import.meta.url));
const ALERTMANAGER = { OPENFERO_ALERTMANAGER_URL: 'http://127.0.0.1:9' };

/** Less than may be raised at once. */
const FAILING = 800;

test('what failed just before its worker was killed is raised by the next one, once', async (t) => {
  const server = await startRedis();
  t.after(() => server.stop());
  const sandbox = await createSandbox(t, server.url);
  const { redis, prefix, queue } = sandbox;
  await sandbox.define('Bad', definition('Bad', { data: {} }));
  const service = await startService(SERVER, { ...sandbox.env, ...ALERTMANAGER });
  t.after(() => service.kill());
  await service.ready();
  const all = Array.from({ length: FAILING }, (_, i) =>
    remediation('Bad', { labels: { instance: `${i}` } }),
  );
  await Promise.all(all.map(sandbox.add));
  // Else the next worker takes what is missing for trimmed.
  await until('some are told', async () => (await redis.xlen(historyKey(prefix))) > 5);
  service.kill();
  await service.exited;

  const failed = new Set((await queue.getFailed()).map(({ id }) => id));
  const known = new Map(all.map(({ id, alert }) => [id, alert.fingerprint]));
  const fieldOfId = (id: string | undefined): string =>
    fieldOf('remediation-failed', 'openfero-bad-firing', known.get(id ?? '') ?? '');
  const raised = async (): Promise<Set<string>> => new Set(await redis.hkeys(raisedKey(prefix)));
  const before = await raised();
  const lost = [...failed].filter((id) => !before.has(fieldOfId(id)));
  t.diagnostic(`${failed.size} had failed, ${lost.length} of them were not raised`);
  const ends = async (): Promise<string[]> => {
    const entries = await redis.xrange(historyKey(prefix), '-', '+');
    return entries.flatMap(([, fields]) => {
      const entry = parseEntry(fields);
      return entry?.kind === 'end' && failed.has(entry.id) ? [entry.id] : [];
    });
  };
  const inHistory = await ends();
  assert.ok(
    inHistory.every((id) => before.has(fieldOfId(id))),
    'what is told has been raised',
  );

  const next = await runWorker(t, sandbox, ALERTMANAGER);
  await until('all are raised', async () => {
    const now = await raised();
    return [...failed].every((id) => now.has(fieldOfId(id)));
  });
  await until('and told', async () => (await ends()).length >= failed.size);
  assert.equal((await ends()).length, failed.size, 'one end each');
  await next.stop();
});
