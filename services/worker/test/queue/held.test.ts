import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Entry } from '@openfero/core/history/entry';
import { Fold } from '@openfero/core/history/fold';
import { parseEntry } from '@openfero/core/history/parse';
import { isHeld } from '@openfero/core/history/row';
import { historyKey } from '@openfero/core/redis/history';
import { definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation, STARTS, startsNow } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { createPlaces } from '../../src/redis/places.ts';
import { createSandbox, runWorker, type Sandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

/** Takes places for Jobs that run elsewhere. @returns what ends one of them */
async function occupy(
  sandbox: Sandbox,
  names: readonly string[],
): Promise<(name: string) => Promise<void>> {
  const { redis, prefix, queue } = sandbox;
  const own = createPlaces({ redis, prefix, maxActiveJobs: 50, historyCount: 1000, queue });
  const operarius = 'openfero-disk-firing';
  for (const job of names) {
    const given = remediation('Elsewhere', { receivedAt: 0 });
    const { taken } = await own.take({
      ...{ troubleKey: job, episode: { instant: STARTS, count: 0 } },
      ...{
        job,
        operarius,
        maxActive: 0,
        remediation: given,
        known: '',
        ...{ abandoned: undefined, maxRuns: 'none', target: undefined },
      },
      entry: await sandbox.lock(given),
    });
    assert.equal(taken.kind, 'taken');
  }
  return (name) => own.release({ name, operarius });
}

async function historyOf({ redis, prefix }: Sandbox): Promise<Entry[]> {
  const entries = await redis.xrange(historyKey(prefix), '-', '+');
  return entries.map(([, fields]) => parseEntry(fields)).filter((entry) => entry !== undefined);
}

const delayed = (sandbox: Sandbox) => async (): Promise<boolean> =>
  (await sandbox.queue.getDelayedCount()) === 1;

for (const [reason, env, policy] of [
  ['max-active', {}, { 'max-active': '2' }],
  ['max-active-jobs', { OPENFERO_MAX_ACTIVE_JOBS: '2' }, {}],
] as const) {
  test(`over ${reason} a remediation is held, for all to see, and runs soon after a Job ends`, async (t) => {
    const sandbox = await createSandbox(t, server.url);
    await sandbox.define('Disk', definition('Disk', { policy }));
    const end = await occupy(sandbox, ['one', 'two']);
    const worker = await runWorker(t, sandbox, env);
    const gauge = (): Promise<number> =>
      worker.metric(`openfero_remediations_held{reason="${reason}"}`);
    await until('nobody is held', async () => (await gauge()) === 0);

    const id = await sandbox.add(remediation('Disk'));
    await until('held', delayed(sandbox));
    await until('counted', async () => (await gauge()) === 1);

    const { held } = (await sandbox.queue.getJob(id))?.data ?? {};
    assert.equal(held.reason, reason);
    const limit =
      reason === 'max-active' ? /max-active of .*-firing is 2: / : /MAX_ACTIVE_JOBS is 2: /;
    assert.match(held.by, new RegExp(`${limit.source}unfinished Jobs one, two$`));
    const line = await worker.line(({ msg }) => msg === 'remediation is held');
    assert.deepEqual([line['remediation'], line['held'], line['reason']], [id, reason, held.by]);
    assert.ok(Math.abs(held.since - Date.now()) < 5000);
    const oldest = `openfero_held_oldest_seconds{reason="${reason}"}`;
    await until('it gets old', async () => (await worker.metric(oldest)) > 0);
    assert.deepEqual(await sandbox.jobs(), []);
    assert.equal(await worker.metric('openfero_queue_remediations{state="delayed"}'), 1);
    assert.equal(await worker.metric('openfero_queue_oldest_waiting_seconds'), 0);

    const [entry, ...more] = (await historyOf(sandbox)).filter(({ kind }) => kind === 'held');
    assert.ok(entry?.kind === 'held' && more.length === 0);
    assert.deepEqual([entry.id, entry.reason, entry.by], [id, reason, held.by]);
    assert.ok(entry.at === held.since && entry.until > entry.at);
    await (await sandbox.queue.getJob(id))?.promote();
    await until('held again', delayed(sandbox));

    const since = performance.now();
    await end('one');
    assert.equal((await worker.end(id))['outcome'], 'created');
    assert.ok(performance.now() - since < 3000, 'not only at the next look, after 15 s');
    assert.equal(await gauge(), 0);
    await until('its end is known', async () =>
      (await historyOf(sandbox)).some(({ kind }) => kind === 'end'),
    );
    assert.equal(await sandbox.redis.zcard(`${sandbox.prefix}:places`), 1, 'only the other one’s');
  });
}

test('what is held grows old: it expires, and leaves nothing that waits', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const policy = { 'max-active': '1', 'max-age': '1s' };
  await sandbox.define('Disk', definition('Disk', { policy }));
  await occupy(sandbox, ['one']);
  const worker = await runWorker(t, sandbox);
  const given = remediation('Disk');
  const id = await sandbox.add(given);
  await until('held', delayed(sandbox));
  await until('too old', async () => Date.now() > given.receivedAt + 1100);
  await (await sandbox.queue.getJob(id))?.promote();
  const line = await worker.end(id);
  assert.equal(line['outcome'], 'expired');
  assert.match(
    String(line['reason']),
    /longer than max-age 1s; it was held: max-active of ConfigMap openfero-disk-firing is 1: unfinished Job one$/,
  );
  const keys = await sandbox.redis.keys(`${sandbox.prefix}:waiting*`);
  assert.deepEqual([...keys, ...(await sandbox.redis.keys(`${sandbox.prefix}:held*`))], []);
});

test('held by the cooldown it waits no longer than that', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk', definition('Disk', { policy: { cooldown: '1h' } }));
  const worker = await runWorker(t, sandbox);
  await worker.end(await sandbox.add(remediation('Disk')));
  const id = await sandbox.add(remediation('Disk', startsNow()));
  await until('held', delayed(sandbox));
  const { delay = 0, data } = (await sandbox.queue.getJob(id)) ?? {};
  assert.ok(delay > 3_590_000 && delay <= 3_600_000, `${delay} ms`);
  assert.ok(Math.abs(data.cooled - delay) < 1000);
});

test('a hundred alerts at once, over a limit of two: each runs as soon as a place is free', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk', definition('Disk', { policy: { 'max-active': '2' } }));
  const worker = await runWorker(t, sandbox);
  const given = Array.from({ length: 100 }, (_, i) =>
    remediation('Disk', { labels: { instance: `${i}` } }),
  );
  const since = performance.now();
  await Promise.all(given.map(sandbox.add));
  for (const { id } of given) assert.equal((await worker.end(id))['outcome'], 'created');
  assert.ok(performance.now() - since < 10_000, 'each is called when a place is free');
  assert.equal((await sandbox.jobs()).length, 100);
  const left = (await sandbox.redis.keys(`${sandbox.prefix}:*`)).filter((key) =>
    /:(places|waiting|held)/.test(key),
  );
  assert.deepEqual(left, []);

  const fold = new Fold();
  await until('all ends are known', async () => {
    const { redis, prefix } = sandbox;
    for (const [id, fields] of await redis.xrange(historyKey(prefix), '-', '+')) {
      const entry = parseEntry(fields);
      if (entry !== undefined) fold.add(id, entry);
    }
    fold.settle();
    const rows = [...fold.rows()];
    return rows.length === 100 && rows.every(({ firing }) => firing?.end?.outcome === 'created');
  });
  const held = [...fold.rows()].filter(({ firing }) => firing !== undefined && isHeld(firing));
  assert.deepEqual(held, [], 'that one is held is told before its end');
});
