import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { EndedJob } from '@openfero/cluster/cluster';
import type { Entry } from '@openfero/core/history/entry';
import { parseEntry } from '@openfero/core/history/parse';
import { DEFAULT_POLICY } from '@openfero/core/operarius/policy';
import { historyKey } from '@openfero/core/redis/history';
import { createMetrics } from '@openfero/service/metrics';
import { NO_TRACING } from '@openfero/service/tracing';
import { definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation, STARTS } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { pino } from 'pino';
import { createJobEnding } from '../../src/ends/job-ending.ts';
import { SILENT } from '../../src/raise/raising.ts';
import { createPlaces } from '../../src/redis/places.ts';
import { createSandbox, runWorker, type Sandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

/** Of remediations and Jobs. */
async function entriesOf({ redis, prefix }: Sandbox): Promise<Entry[]> {
  const found = await redis.xrange(historyKey(prefix), '-', '+');
  return found
    .map(([, fields]) => parseEntry(fields))
    .filter((entry) => entry !== undefined && entry.kind !== 'definition');
}

test('the end of every remediation is in the history, with what identifies its alert', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk');
  await sandbox.define('Bad', definition('Bad', { data: {} }));
  const worker = await runWorker(t, sandbox);
  const disk = remediation('Disk', { labels: { zone: 'a' } });
  await worker.end(await sandbox.add(disk));
  await worker.end(await sandbox.add(remediation('Bad')));
  await worker.end(await sandbox.add(remediation('Nobody')));

  await until('three entries', async () => (await entriesOf(sandbox)).length === 3);
  const entries = await entriesOf(sandbox);
  const definitions = entries.map((entry) => Object(entry)['definition']);
  // Of an invalid operarius too, and none where there is none.
  assert.match(definitions.join(), /^[0-9a-f]{10},[0-9a-f]{10},$/);
  const found = JSON.stringify(entries);
  assert.match(found, /"outcome":"created"/);
  assert.match(found, /"outcome":"invalid-operarius"/);
  assert.match(found, /"outcome":"no-operarius"/);
  assert.match(found, new RegExp(`"id":"${disk.id}"`));
  assert.match(found, /"zone":"a"/);
});

test('the fate of a Job is recorded once, whoever tells it and however often', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const { redis, prefix, queue } = sandbox;
  const lines: string[] = [];
  const log = pino({}, { write: (line) => void lines.push(line) });
  const events: string[] = [];
  const cluster = {
    operarii: {
      get: (name: string) => ({ metadata: { name, namespace: 'default' } }),
      all: () => [],
    },
    events: { record: (_on: unknown, reason: string) => void events.push(reason) },
  };
  const job: EndedJob = {
    name: 'disk-1',
    operarius: 'openfero-disk-firing',
    end: {
      ...{ uid: 'u1', fate: 'failed', reason: 'BackoffLimitExceeded', createdAt: 1000 },
      ...{ endedAt: 61_000, remediation: 'r1', alertname: 'Disk', fingerprint: 'f1' },
      ...{ startsAt: STARTS, status: 'firing', namespace: 'shop', groupKey: '{}:{a="b"}' },
      definition: '',
    },
  };
  const workers = [1, 2, 3].map(() => {
    const places = createPlaces({ redis, prefix, maxActiveJobs: 50, historyCount: 1000, queue });
    const sawStopped = new Set<string>();
    const context = {
      ...{ cluster, places, policy: DEFAULT_POLICY, tracing: NO_TRACING, sawStopped },
      recordDecided: () => assert.fail('nobody was asked'),
      raising: SILENT,
    };
    return createJobEnding(context, log, createMetrics());
  });
  await Promise.all(workers.flatMap((end) => [end(job), end(job)]));

  const found = await entriesOf(sandbox);
  assert.equal(found.length, 1);
  assert.match(JSON.stringify(found), /"fate":"failed","reason":"BackoffLimitExceeded"/);
  const [line, ...more] = lines.filter((each) => each.includes('Job failed'));
  assert.equal(more.length, 0);
  const { time: _time, pid: _pid, hostname: _host, msg: _msg, ...said } = JSON.parse(line ?? '');
  assert.deepEqual(said, {
    ...{ level: 50, fate: 'failed', job: 'disk-1', operarius: 'openfero-disk-firing' },
    ...{ alertname: 'Disk', namespace: 'shop', status: 'firing', fingerprint: 'f1' },
    ...{ groupKey: '{}:{a="b"}', remediation: 'r1', seconds: 60, reason: 'BackoffLimitExceeded' },
  });
  assert.deepEqual(events, ['JobFailed']);
  assert.equal(await redis.hget(`${prefix}:totals`, 'openfero-disk-firing/failed'), '1');
});

test('a worker that starts appends the ends that a killed one left out, and no other', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const { redis, prefix } = sandbox;
  await sandbox.define('Disk');
  await sandbox.define('Bad', definition('Bad', { data: {} }));
  const first = await runWorker(t, sandbox);
  const disks = ['a', 'b', 'c'].map((zone) => remediation('Disk', { labels: { zone } }));
  const all = [...disks, remediation('Bad'), remediation('Bad', { labels: { zone: 'd' } })];
  for (const one of all) await first.end(await sandbox.add(one));
  await first.stop();
  const before = await redis.xrange(historyKey(prefix), '-', '+');
  const lost = before.filter(([, fields]) =>
    [disks[1], all[4]].some((one) => fields.join().includes(`"id":"${one?.id}"`)),
  );
  assert.equal(lost.length, 2);
  await redis.xdel(historyKey(prefix), ...lost.map(([id]) => id));

  const second = await runWorker(t, sandbox);
  const line = await second.line(({ appended }) => appended !== undefined);
  assert.equal(line['appended'], 2);
  const told = (entry: Entry | undefined): unknown => {
    if (entry?.kind !== 'end') return undefined;
    // By which definition one failed, nobody knows by now.
    const { definition: _definition, ...rest } = { ...entry, endedAt: 0 };
    return entry.outcome === 'created' ? { ...entry, endedAt: 0 } : rest;
  };
  const ends = async () => (await entriesOf(sandbox)).filter(({ kind }) => kind === 'end');
  await until('both are there', async () => (await ends()).length === all.length);
  assert.deepEqual(
    (await ends()).slice(-2).map(told),
    lost.map(([, fields]) => told(parseEntry(fields))),
  );
});
