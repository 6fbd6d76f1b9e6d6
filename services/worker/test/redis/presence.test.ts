import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ModeEntry } from '@openfero/core/history/entry';
import { parseEntry } from '@openfero/core/history/parse';
import { historyKey } from '@openfero/core/redis/history';
import { modeKey } from '@openfero/core/redis/mode';
import {
  type PublishedWorker,
  readPublishedWorker,
  workersKey,
} from '@openfero/core/redis/published';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { until } from '@openfero/testkit/until';
import { createModeRecord } from '../../src/redis/mode-record.ts';
import { createSandbox, runWorker, type Sandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const switchTo = (mode: string): string =>
  JSON.stringify({
    kind: 'ConfigMap',
    metadata: { name: 'openfero', annotations: { 'openfero.io/mode': mode } },
  });

async function workers({ redis, prefix }: Sandbox): Promise<PublishedWorker[]> {
  const fields = await redis.hvals(workersKey(prefix));
  return fields.map(readPublishedWorker).filter((each) => each !== undefined);
}

async function workerWhen(
  sandbox: Sandbox,
  holds: (worker: PublishedWorker) => boolean,
): Promise<PublishedWorker> {
  let found: PublishedWorker | undefined;
  await until('the worker is published', async () => {
    found = (await workers(sandbox)).find(holds);
    return found !== undefined;
  });
  return found ?? assert.fail();
}

async function changes({ redis, prefix }: Sandbox): Promise<ModeEntry[]> {
  const entries = await redis.xrange(historyKey(prefix), '-', '+');
  return entries.map(([, fields]) => parseEntry(fields)).filter((entry) => entry?.kind === 'mode');
}

test('a worker publishes the mode that it obeys, where that comes from, and since when', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const worker = await runWorker(t, sandbox);
  const first = await workerWhen(sandbox, () => true);
  assert.equal(first.mode, 'run');
  assert.equal(first.source, 'there is no ConfigMap openfero');
  assert.ok(first.watchAge < 5_000, `${first.watchAge} ms`);
  assert.ok(Math.abs((first.since ?? 0) - Date.now()) < 30_000);
  assert.deepEqual(await changes(sandbox), [], 'nothing was before');

  const begun = performance.now();
  await sandbox.define('switch', switchTo('off'));
  const off = await workerWhen(sandbox, ({ mode }) => mode === 'off');
  assert.ok(performance.now() - begun < 5_000, 'sooner than its next turn');
  assert.equal(off.source, 'ConfigMap openfero: its annotation openfero.io/mode is "off"');
  assert.ok((off.since ?? 0) > (first.since ?? Number.NaN));
  const [change, ...more] = await changes(sandbox);
  assert.equal(more.length, 0);
  const { at, ...said } = change ?? assert.fail('no entry');
  assert.deepEqual(said, { kind: 'mode', from: 'run', to: 'off', source: off.source });
  assert.equal(at, off.since);

  await worker.stop();
  assert.deepEqual(await workers(sandbox), []);
  await runWorker(t, sandbox);
  assert.equal((await workerWhen(sandbox, () => true)).since, off.since);
  assert.equal((await changes(sandbox)).length, 1, 'a start is no change');
});

test('OPENFERO_MODE is the source, and nothing that the switch could loosen', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const first = await runWorker(t, sandbox);
  await workerWhen(sandbox, () => true);
  await first.stop();
  await sandbox.define('switch', switchTo('off'));
  await runWorker(t, sandbox, { OPENFERO_MODE: 'off' });
  const { source } = await workerWhen(sandbox, () => true);
  assert.match(source, /^OPENFERO_MODE is off; ConfigMap openfero: .*"off"$/);
  const [change] = await changes(sandbox);
  assert.equal(change?.to, 'off');
  await rm(join(sandbox.operariiDir, 'switch.yaml'));
});

test('a worker without its first list obeys nothing yet, and is not listed', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const env = { OPENFERO_OPERARII_DIR: join(sandbox.operariiDir, 'later') };
  const worker = await runWorker(t, sandbox, env);
  await worker.line(({ msg }) => msg.startsWith('cannot read the folder'));
  await worker.line(({ msg }) => msg === 'connected to Redis');
  assert.deepEqual(await workers(sandbox), []);
});

test('a change of the mode is recorded once over all workers, by none that missed it', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const { redis, prefix } = sandbox;
  const all = Array.from({ length: 5 }, () =>
    createModeRecord({ redis, prefix, historyCount: 1_000 }),
  );
  const tell = async (mode: 'run' | 'off', now: number, who = all): Promise<unknown[]> => {
    const position = { mode, switched: mode, reason: '', source: 'here' };
    const told = await Promise.all(who.map((record) => record(position, now)));
    // The losers of a race see it at their next turn.
    return told.map((since) => since ?? 'later');
  };
  await tell('run', 1_000);
  await tell('off', 2_000);
  await tell('off', 3_000);
  assert.deepEqual(
    await tell('off', 4_000),
    all.map(() => 2_000),
  );
  const [late, ...others] = all;
  await tell('run', 5_000, others);
  assert.deepEqual(await tell('off', 6_000, late === undefined ? [] : [late]), ['later']);
  assert.deepEqual(
    (await changes(sandbox)).map(({ from, to, at }) => [from, to, at]),
    [
      ['run', 'off', 2_000],
      ['off', 'run', 5_000],
    ],
  );
  await redis.set(modeKey(prefix), 'nonsense');
  await tell('run', 7_000);
  assert.equal((await changes(sandbox)).length, 2, 'nobody knows what was before');
});
