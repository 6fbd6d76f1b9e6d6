import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { after, before, test } from 'node:test';
import { ClusterError, type JobWithoutPods } from '@openfero/cluster/cluster';
import { cannotStartKey } from '@openfero/core/redis/published';
import { configMap } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { STARTS } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { type CannotStartTimes, watchCannotStart } from '../../src/ends/cannot-start.ts';
import { createSandbox, recordingLog, type Sandbox } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const QUOTA = 'FailedCreate: Error creating: pods "disk-1-" is forbidden: exceeded quota';
const FAST: CannotStartTimes = { look: 20, patience: 60, again: 100, silence: 400 };

const JOB: JobWithoutPods = {
  ...{ name: 'disk-1', operarius: 'openfero-disk-firing', uid: 'u1', createdAt: 1_000 },
  ...{ remediation: 'r1', alertname: 'Disk', fingerprint: 'f1', status: 'firing' },
  ...{ startsAt: STARTS, definition: '', namespace: 'shop', groupKey: '' },
};

interface Watched {
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  readonly events: string[];
  /** How often the Events of the cluster were read. */
  asked: number;
  jobs: readonly JobWithoutPods[];
}

/** Some workers over one cluster: what it says of its Jobs is the test's. */
function watchAll(
  t: TestContext,
  { redis, prefix }: Sandbox,
  why: () => string | undefined,
): Watched {
  const { lines, log } = recordingLog();
  const definition = configMap('Disk');
  const watched: Watched = { lines, events: [], asked: 0, jobs: [JOB] };
  const cluster = {
    jobs: {
      withoutPods: () => watched.jobs,
      async whyNoPods() {
        watched.asked++;
        return why();
      },
    },
    operarii: { get: () => definition, all: () => [definition] },
    events: {
      record: (_on: unknown, reason: string, message: string) =>
        void watched.events.push(`${reason} ${message}`),
    },
    blocked: () => undefined,
  };
  for (let worker = 0; worker < 3; worker++) {
    t.after(watchCannotStart({ cluster, redis, prefix, log }, FAST));
  }
  return watched;
}

const published = ({ redis, prefix }: Sandbox) => redis.hgetall(cannotStartKey(prefix));

test('a Job without pods is told with its reason, once over all workers, while that lasts', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const watched = watchAll(t, sandbox, () => QUOTA);
  await until('it is published', async () => 'disk-1' in (await published(sandbox)));
  assert.deepEqual(await published(sandbox), { 'disk-1': QUOTA });
  await until('it is logged', () => watched.lines.length > 0);
  const [{ time: _time, pid: _pid, hostname: _host, ...line } = {}] = watched.lines;
  assert.deepEqual(line, {
    ...{ level: 'error', job: 'disk-1', operarius: 'openfero-disk-firing', remediation: 'r1' },
    ...{ alertname: 'Disk', namespace: 'shop', fingerprint: 'f1', status: 'firing' },
    reason: QUOTA,
    msg: 'Job cannot start',
  });
  assert.deepEqual(watched.events, [`JobCannotStart Job disk-1 cannot start: ${QUOTA}`]);

  watched.jobs = [];
  await until('it is removed', async () => Object.keys(await published(sandbox)).length === 0);
  assert.equal(watched.asked, 1);
  assert.deepEqual(
    watched.lines.map(({ msg }) => msg),
    ['Job cannot start', 'Job has started, or is over'],
  );
});

test('a Job of which no Event says why is asked about again, and told in the end', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const watched = watchAll(t, sandbox, () => undefined);
  await until('it is published', async () => 'disk-1' in (await published(sandbox)));
  assert.match(
    (await published(sandbox))['disk-1'] ?? '',
    /^no pod was created, and no Event says/,
  );
  assert.ok(watched.asked > 1 && watched.asked < 6, `asked ${watched.asked} times`);
});

test('a worker that may not list Events says so, and what to run', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  watchAll(t, sandbox, () => {
    throw new ClusterError('403 Forbidden', { status: 403, reason: 'Forbidden' });
  });
  await until('it is published', async () => 'disk-1' in (await published(sandbox)));
  assert.match((await published(sandbox))['disk-1'] ?? '', /check its Role.*describe job disk-1$/);
});

test('a Job that has had no time yet is left alone', async (t) => {
  const sandbox = await createSandbox(t, server.url);
  const watched = watchAll(t, sandbox, () => QUOTA);
  watched.jobs = [];
  let number = 0;
  // Each look finds another Job.
  const timer = setInterval(() => {
    watched.jobs = [{ ...JOB, uid: `u${++number}` }];
  }, 10);
  await until('many Jobs have come and gone', () => number > 30);
  clearInterval(timer);
  assert.equal(watched.asked, 0);
});
