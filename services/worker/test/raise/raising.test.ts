import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import type { AskedJob, EndedJob, JobEnd } from '@openfero/cluster/cluster';
import { RAISED_FOR } from '@openfero/core/decisions/raised';
import { definitionDigest } from '@openfero/core/operarius/definition';
import { DEFAULT_POLICY } from '@openfero/core/operarius/policy';
import type { End } from '@openfero/core/outcome';
import { askedKey } from '@openfero/core/redis/approvals';
import { APPEND, appendArguments } from '@openfero/core/redis/history';
import { MOST_RAISED, type Raised, raisedKey, readRaised } from '@openfero/core/redis/raised';
import type { Remediation } from '@openfero/core/redis/remediation';
import { createMetrics } from '@openfero/service/metrics';
import { script } from '@openfero/service/script';
import { NO_TRACING } from '@openfero/service/tracing';
import { configMap } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { pino } from 'pino';
import { createAsk } from '../../src/approvals/ask.ts';
import { createJobEnding } from '../../src/ends/job-ending.ts';
import { createRaising } from '../../src/raise/raising.ts';
import { createPlaces } from '../../src/redis/places.ts';
import { readSettings } from '../../src/settings.ts';
import { createSandbox, runWorker, type Sandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const OPERARIUS = 'openfero-disk-firing';
const NOBODY = 'http://127.0.0.1:9';
const HOSTILE = { team: 'storage', path: '"; \\$(id)\n\u202e</a>', 'größe.x': '', zone: 'a' };

interface Given {
  readonly sandbox: Sandbox;
  /** A Job of the remediation ends. */
  ends(of: Remediation, end?: Partial<JobEnd>): Promise<void>;
  /** A remediation ends. */
  ended(of: Remediation, outcome: End): Promise<void>;
  raised(): Promise<readonly Raised[]>;
}

async function given(t: TestContext, env: Readonly<Record<string, string>> = {}): Promise<Given> {
  const sandbox = await createSandbox(t, server.url);
  const { redis, prefix, queue } = sandbox;
  const settings = readSettings({
    ...sandbox.env,
    ...{ OPENFERO_ALERTMANAGER_URL: NOBODY, OPENFERO_CONFIGMAP_NAMESPACE: 'operarii' },
    ...{ OPENFERO_JOB_NAMESPACE: 'jobs', OPENFERO_DASHBOARD_URL: 'https://fero.example.com/x/' },
    ...env,
  });
  const disk = configMap('Disk');
  const raising = createRaising({ redis, settings });
  const append = script(redis, APPEND);
  const places = createPlaces({ redis, prefix, maxActiveJobs: 50, historyCount: 1000, queue });
  const cluster = {
    operarii: { get: () => disk, all: () => [disk] },
    events: { record: () => {} },
  };
  const jobEnded = createJobEnding(
    {
      ...{ cluster, places, raising, policy: DEFAULT_POLICY, tracing: NO_TRACING },
      sawStopped: new Set<string>(),
      recordDecided: () => assert.fail('nobody was asked'),
    },
    pino({ level: 'silent' }),
    createMetrics(),
  );
  return {
    sandbox,
    async ends({ id, alert: { labels, ...alert } }, over) {
      const name = `disk-${id.slice(0, 8)}`;
      const job: EndedJob = {
        ...{ name, operarius: OPERARIUS },
        end: {
          ...{ uid: id, fate: 'failed', reason: 'BackoffLimitExceeded', ...alert },
          ...{ createdAt: Date.now(), endedAt: Date.now(), remediation: id },
          ...{ alertname: labels['alertname'] ?? '', namespace: 'shop', groupKey: '' },
          definition: definitionDigest(disk),
          ...over,
        },
      };
      await jobEnded(job);
    },
    async ended(of, end) {
      const ending = { end, operarius: OPERARIUS, reason: 'why', remediation: of.id };
      const told = raising.ended(ending, of);
      const { keys, args } = appendArguments(prefix, 1000, [], told === undefined ? [] : [told]);
      await append(keys, args);
    },
    async raised() {
      const all = Object.values(await redis.hgetall(raisedKey(prefix)));
      return all.map((text) => readRaised(text) ?? assert.fail(text));
    },
  };
}

test('a Job that failed is raised with the labels of its alert, and what people need', async (t) => {
  const { sandbox, ends, raised } = await given(t);
  const disk = remediation('Disk', { labels: { ...HOSTILE, openfero: 'true' } });
  await sandbox.add(disk);
  await ends(disk);
  await ends(disk);
  const [one, ...more] = await raised();
  assert.ok(one && more.length === 0);
  assert.deepEqual(one.labels, {
    ...HOSTILE,
    ...{ alertname: 'DiskRemediationFailed', openfero: 'remediation-failed' },
    ...{ openfero_operarius: OPERARIUS, openfero_reason: 'job-failed' },
  });
  const job = `disk-${disk.id.slice(0, 8)}`;
  const url = `https://fero.example.com/x/occurrences/${disk.alert.fingerprint}/2026-11-22T04%3A00%3A00Z`;
  assert.deepEqual(one.annotations, {
    summary: 'OpenFero could not remediate Disk.',
    description: `Job ${job} of ${OPERARIUS} failed: BackoffLimitExceeded. Its events and the logs of its pods show the cause.`,
    ...{ job, kubectl: `kubectl -n jobs describe job ${job}`, dashboard: url },
  });
  assert.equal(one.url, url);
  assert.equal(one.until - one.startsAt, RAISED_FOR);
});

test('a second failure of the same alert goes on with the first one, with the news in its text', async (t) => {
  const { sandbox, ends, ended, raised } = await given(t);
  const disk = remediation('Disk', { labels: HOSTILE });
  await sandbox.add(disk);
  await ends(disk);
  const [first] = await raised();
  await ended(disk, 'expired');
  const [second, ...more] = await raised();
  assert.ok(first && second && more.length === 0);
  assert.deepEqual(second.labels, first.labels);
  assert.equal(second.startsAt, first.startsAt);
  assert.ok(second.until >= first.until);
  assert.equal(second.annotations['description'], `${OPERARIUS} created no Job (expired): why`);
});

test('each failure of a remediation is raised, and nothing else', async (t) => {
  const { ended, raised } = await given(t);
  const reasons = ['rejected', 'invalid-operarius', 'expired', 'stopped'] as const;
  const others = ['unreadable', 'created', 'deduplicated', 'no-operarius', 'superseded'] as const;
  for (const [node, outcome] of [...reasons, ...others].entries()) {
    await ended(remediation('Disk', { labels: { node: String(node) } }), outcome);
  }
  const found = (await raised()).map(({ labels }) => labels['openfero_reason']);
  assert.deepEqual(new Set(found), new Set(reasons));
});

test('Jobs that succeeded, of resolved alerts, and ends of long ago are not raised', async (t) => {
  const { ends, ended, raised } = await given(t);
  await ends(remediation('A'), { fate: 'succeeded' });
  await ends(remediation('B'), { fate: 'deleted' });
  await ends(remediation('C'), { status: 'resolved' });
  await ends(remediation('D'), { endedAt: Date.now() - RAISED_FOR - 1000 });
  await ended(remediation('E', { alert: { status: 'resolved' } }), 'expired');
  assert.deepEqual(await raised(), []);
});

test('with the remediation gone from Redis, the alert has the labels that the Job knows', async (t) => {
  const { ends, raised } = await given(t);
  await ends(remediation('Disk', { labels: HOSTILE }));
  const [one] = await raised();
  const { alertname, namespace, team } = one?.labels ?? {};
  assert.deepEqual([alertname, namespace, team], ['DiskRemediationFailed', 'shop', undefined]);
});

test('an operarius that bad runs have stopped is raised once, until it is re-armed', async (t) => {
  const { ends, raised } = await given(t, { OPENFERO_MAX_ACTIVE_JOBS: '0' });
  for (let run = 0; run < 6; run++) await ends(remediation('Disk', { labels: { run: `${run}` } }));
  const [stopped, ...more] = (await raised()).filter(({ kind }) => kind === 'stopped');
  assert.ok(stopped && more.length === 0);
  assert.deepEqual(stopped.labels, {
    ...{ alertname: 'OpenFeroOperariusStopped', openfero: 'stopped', severity: 'warning' },
    ...{ namespace: 'operarii', openfero_operarius: OPERARIUS },
  });
  assert.match(
    stopped.annotations['kubectl'] ?? '',
    /^kubectl -n operarii annotate configmap openfero-disk-firing openfero\.io\/rearm=/,
  );
  assert.equal(stopped.annotations['dashboard'], 'https://fero.example.com/x/operarii');
  assert.equal((await raised()).length, 7);
});

test('a question is raised once, with the labels of its alert and the command that answers it', async (t) => {
  const { sandbox, raised } = await given(t);
  const { redis, prefix, env } = sandbox;
  const settings = readSettings({ ...env, OPENFERO_ALERTMANAGER_URL: NOBODY });
  const log = pino({ level: 'silent' });
  const cluster = {
    operarii: { get: () => undefined, all: () => [] },
    events: { record: () => {} },
  };
  const raising = createRaising({ redis, settings });
  const ask = createAsk({ cluster, redis, raising, settings, log, alertmanagers: undefined });
  const { alert } = remediation('Disk', { labels: HOSTILE });
  const job: AskedJob = {
    ...{ name: 'disk-1', uid: 'u1', operarius: OPERARIUS, remediation: 'r1', definition: '' },
    ...{ alertname: 'Disk', namespace: '', groupKey: '', status: 'firing', createdAt: 1 },
    ...{ fingerprint: alert.fingerprint, startsAt: alert.startsAt, labels: alert.labels },
    ...{ resourceVersion: '1', isWaiting: true, approvedBy: '', manifest: '' },
    until: Date.now() + 3_600_000,
  };
  for (let worker = 0; worker < 2; worker++) await ask(job, Date.now());
  const [one, ...more] = await raised();
  assert.ok(one && more.length === 0);
  assert.deepEqual(one.labels, {
    ...{ ...HOSTILE, alertname: 'DiskApprovalNeeded', openfero: 'approval-needed' },
    openfero_operarius: OPERARIUS,
  });
  assert.equal(
    one.annotations['kubectl'],
    `kubectl -n default patch job disk-1 --type=merge -p '{"spec":{"suspend":false}}'`,
  );
  assert.match(one.annotations['description'] ?? '', /Unanswered for 60 min, it is deleted/);
  assert.ok(Math.abs(one.until - job.until) < 5_000);
  assert.equal(await redis.hlen(askedKey(prefix)), 1);
});

test('without an Alertmanager, or with OPENFERO_RAISE_ALERTS=false, nothing is', async (t) => {
  for (const env of [{ OPENFERO_RAISE_ALERTS: 'false' }, { OPENFERO_ALERTMANAGER_URL: '' }]) {
    const { ends, ended, raised } = await given(t, env);
    await ends(remediation('Disk'));
    await ended(remediation('Disk'), 'expired');
    assert.deepEqual(await raised(), []);
  }
});

test('beyond a thousand they are counted, and those that are raised already go on', async (t) => {
  const { sandbox, ended, raised } = await given(t);
  const { redis, prefix } = sandbox;
  const first = remediation('Disk', { labels: { node: 'first' } });
  await ended(first, 'expired');
  const fill = Array.from({ length: MOST_RAISED - 1 }, (_, index) => [`f${index}`, '{}']).flat();
  await redis.hset(raisedKey(prefix), ...fill);
  for (const node of ['x', 'y']) await ended(remediation('Disk', { labels: { node } }), 'expired');
  await ended(first, 'rejected');
  assert.equal(await redis.hlen(raisedKey(prefix)), MOST_RAISED);
  await redis.hdel(raisedKey(prefix), ...fill.filter((_, index) => index % 2 === 0));
  const [one, ...more] = await raised();
  assert.equal(more.length, 0);
  assert.match(one?.annotations['description'] ?? '', /rejected/);
  const worker = await runWorker(t, sandbox);
  await until('the dropped ones are counted', async () => {
    return (await worker.metric('openfero_raised_dropped_total')) === 2;
  });
  assert.equal(await worker.metric('openfero_raised_alerts'), 1);
});
