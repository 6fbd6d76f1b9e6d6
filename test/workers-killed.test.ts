import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry, Fate, FateEntry } from '@openfero/core/history/entry';
import { parseEntry } from '@openfero/core/history/parse';
import { readFateField } from '@openfero/core/redis/fates';
import { historyKey, totalsKey } from '@openfero/core/redis/history';
import { DEFAULT_PREFIX, key } from '@openfero/core/redis/keys';
import { modeKey } from '@openfero/core/redis/mode';
import { operariiKey, workersKey } from '@openfero/core/redis/published';
import { QUEUE } from '@openfero/core/redis/remediation';
import { at, type Cluster, endJob, itemsOf, jobsPath } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import type { Service } from '@openfero/testkit/process';
import { type Random, seeded } from '@openfero/testkit/random';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { type ClusterSystem, startClusterSystem } from './cluster-system.ts';
import { drained, notificationOf } from './system.ts';

const KILLS = 10;
const WORKERS = 3;
/** Notifications, and alerts in each. */
const [SENT, ALERTS] = [20, 5];

const UNLIMITED = {
  OPENFERO_MAX_ACTIVE_JOBS: '0',
  OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '0',
  OPENFERO_STOP_AFTER: '0',
};

/** No controller looks after its Jobs: they end as the test says. */
const OPERARIUS = definition('Disk', { job: { spec: { managedBy: 'example.com/nobody' } } });

/** How each Job ended, by uid. */
type Ended = Map<string, Fate>;

/** Ends every Job that it finds, some of each fate, until it is stopped. */
function endJobs(t: TestContext, { plane, namespace, redis }: Jobs, random: Random) {
  const ended: Ended = new Map();
  let stopped = false;
  const endOne = async (job: unknown): Promise<void> => {
    const metadata = at(job, 'metadata');
    const [name, uid] = [String(at(metadata, 'name')), String(at(metadata, 'uid'))];
    const fate = random.pick(['succeeded', 'failed', 'deleted'] as const) ?? 'failed';
    if (ended.has(uid)) return;
    // Where its worker was killed before it said that it created the Job, the next one creates it again.
    const remediation = String(at(metadata, 'annotations', 'openfero.io/remediation'));
    if (fate === 'deleted' && (await redis.zscore(COMPLETED, remediation)) === null) return;
    if (await endJob(plane, { namespace, name }, fate)) ended.set(uid, fate);
  };
  const run = async (): Promise<void> => {
    while (!stopped) {
      const { body } = await plane.request('GET', jobsPath(namespace));
      for (const job of itemsOf(body).filter(() => random.chance(0.5))) await endOne(job);
      await sleep(20);
    }
  };
  const running = run();
  // After a failure nothing waits for it: Redis is gone.
  running.catch(() => {});
  t.after(() => {
    stopped = true;
  });
  return {
    ended,
    async stop() {
      stopped = true;
      await running;
    },
  };
}

const COMPLETED = key(DEFAULT_PREFIX, QUEUE, 'completed');

interface Jobs {
  readonly plane: Cluster;
  readonly namespace: string;
  readonly redis: Redis;
}

/** Kills one worker after the other at any time, as long as another one works. */
async function killWorkers(system: ClusterSystem, random: Random): Promise<void> {
  const alive = new Set<Service>(system.workers);
  const starting = new Set<Promise<void>>();
  const start = async (): Promise<void> => {
    const worker = await system.startWorker(UNLIMITED);
    await worker.ready();
    alive.add(worker);
  };
  for (let kills = 0; kills < KILLS; kills++) {
    await until('two workers work', () => alive.size >= 2, 60_000);
    await sleep(random.below(150));
    const worker = random.pick([...alive]) ?? assert.fail();
    alive.delete(worker);
    worker.kill();
    const next = start();
    starting.add(next);
  }
  await Promise.all(starting);
}

async function historyIn(redis: Redis): Promise<(Entry | undefined)[]> {
  const entries = await redis.xrange(historyKey(DEFAULT_PREFIX), '-', '+');
  return entries.map(([, fields]) => parseEntry(fields));
}

const fatesIn = async (redis: Redis): Promise<FateEntry[]> =>
  (await historyIn(redis)).filter((entry) => entry?.kind === 'fate');

/** The remediations of which the history has the end. */
async function endsIn(redis: Redis): Promise<Set<string>> {
  const ends = (await historyIn(redis)).filter((entry) => entry?.kind === 'end');
  return new Set(ends.map(({ id }) => id));
}

/** The Jobs that ended so, by the hash `totals`. */
async function totalsIn(redis: Redis): Promise<Record<string, number>> {
  const fields = Object.entries(await redis.hgetall(totalsKey(DEFAULT_PREFIX)));
  return Object.fromEntries(
    fields.map(([field, count]) => [readFateField(field)?.fate ?? field, Number(count)]),
  );
}

function counted(fates: Iterable<Fate>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const fate of fates) counts[fate] = (counts[fate] ?? 0) + 1;
  return counts;
}

await describeOnControlPlane('workers that are killed at any time', (plane) => {
  it('lose the end of no remediation and the fate of no Job, and record no fate twice', {
    timeout: 180_000,
  }, async (t) => {
    const seed = Date.now() % 100_000;
    t.diagnostic(`seed ${seed}`);
    const random = seeded(seed);
    const system = await startClusterSystem(t, plane);
    const { namespace } = system;
    await system.define(OPERARIUS);
    await system.startReceiver();
    await Promise.all(Array.from({ length: WORKERS }, () => system.startWorker(UNLIMITED)));
    await Promise.all(system.workers.map((worker) => worker.ready()));
    const redis = new Redis(system.redis.url, { maxRetriesPerRequest: 1 });
    redis.on('error', () => {});
    t.after(() => redis.disconnect());
    const ending = endJobs(t, { plane, namespace, redis }, random);

    const killing = killWorkers(system, seeded(seed + 1));
    for (let number = 0; number < SENT; number++) {
      const alerts = Array.from({ length: ALERTS }, (_, i) => ({
        ...{ alertname: 'Disk', namespace: 'shop', instance: `${number}-${i}` },
      }));
      const answer = await system.post(notificationOf(alerts));
      assert.equal(answer.status, 200);
      await sleep(random.below(200));
    }
    await killing;
    const [worker] = system.workers.slice(-1);
    assert.ok(worker);
    await drained(worker, 60_000);
    await until('all Jobs have ended', () => ending.ended.size === SENT * ALERTS, 60_000);
    await ending.stop();

    const { ended } = ending;
    await until(
      'all fates are told',
      async () => (await fatesIn(redis)).length >= ended.size,
      90_000,
    );
    const told = await fatesIn(redis);
    assert.deepEqual(
      told.map(({ uid, fate }) => `${uid} ${fate}`).toSorted(),
      [...ended].map(([uid, fate]) => `${uid} ${fate}`).toSorted(),
    );
    assert.deepEqual(await totalsIn(redis), counted(ended.values()));
    const completed = await redis.zrange(COMPLETED, '0', '-1');
    assert.equal(completed.length, SENT * ALERTS);
    await until('the history has the end of each remediation', async () => {
      const known = await endsIn(redis);
      return completed.every((id) => known.has(id));
    });
    const lines = system.workers.flatMap((each) => each.lines);
    const logged = lines.filter((line) => line['fate'] !== undefined);
    assert.equal(new Set(logged.map(({ job }) => job)).size, logged.length, 'each is logged once');
    assert.ok(logged.every((line) => line['namespace'] === 'shop'));

    await redis.flushall();
    const more = { alertname: 'Disk', namespace: 'shop', instance: 'after' };
    assert.equal((await system.post(notificationOf([more]))).status, 200);
    const after = endJobs(t, { plane, namespace, redis }, random);
    // A worker that has just started may still tell again what had ended before.
    const next = async (): Promise<FateEntry[]> =>
      (await fatesIn(redis)).filter(({ uid }) => !ended.has(uid));
    await until('the next fate is told', async () => (await next()).length > 0, 60_000);
    await after.stop();
    assert.equal((await next()).length, 1);
    await until('what is published is back', async () => {
      const keys = [workersKey, operariiKey, modeKey].map((keyOf) => keyOf(DEFAULT_PREFIX));
      return (await redis.exists(...keys)) === keys.length;
    });
  });
});
