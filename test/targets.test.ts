import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LABELS } from '@openfero/core/labels';
import { DEFAULT_PREFIX, key } from '@openfero/core/redis/keys';
import { QUEUE } from '@openfero/core/redis/remediation';
import { targetsKey } from '@openfero/core/redis/targets';
import { at, type Cluster, endJob, jobsPath } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import { type Random, seeded } from '@openfero/testkit/random';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { type ClusterSystem, startClusterSystem } from './cluster-system.ts';
import { drained, notificationOf } from './system.ts';

const NODES = 3;
const OPERARII = ['Drain', 'Reboot'];

/** Alerts before Redis is emptied, and after it. */
const [ALERTS, MORE] = [18, 6];

const RUNS = 20;

/** Ten once: `OPENFERO_TEST_WORKERS=10`. */
const WORKERS = Number(process.env['OPENFERO_TEST_WORKERS'] ?? 3);

const WORKER = {
  OPENFERO_MAX_AGE: '1h',
  OPENFERO_MAX_ACTIVE_JOBS: '0',
  OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '0',
};

/** No controller touches its Jobs: they change when they are created, and when the test ends them. */
const job = { spec: { managedBy: 'example.com/nobody' } };

const alertsOf = (from: number, count: number): Record<string, string>[] =>
  Array.from({ length: count }, (_, i) => ({
    alertname: OPERARII[(from + i) % OPERARII.length] ?? '',
    node: `node-${(from + i) % NODES}`,
    instance: `${from + i}`,
  }));

/** One Job's time, in revisions of etcd: these are the same for everybody. */
interface Run {
  readonly target: string;
  readonly created: number;
  ended?: number;
}

interface Ending {
  readonly plane: Cluster;
  readonly system: ClusterSystem;
  readonly random: Random;
}

/** Ends the Jobs as it is told to, and notes when each began and ended. */
function createEnding({ plane, system, random }: Ending) {
  const runs = new Map<string, Run>();
  const look = async (): Promise<string[]> => {
    const running: string[] = [];
    for (const one of await system.jobs()) {
      const metadata = at(one, 'metadata');
      const name = String(at(metadata, 'name'));
      const revision = Number(at(metadata, 'resourceVersion'));
      const isOver = at(one, 'status', 'completionTime') !== undefined;
      const run = runs.get(name) ?? {
        target: String(at(metadata, 'labels', LABELS.target)),
        created: revision,
      };
      runs.set(name, run);
      if (isOver) run.ended = revision;
      else running.push(name);
    }
    return running;
  };
  return {
    runs,
    running: look,
    /** Changes those that run, so that the watches of the workers hear something, as in a busy cluster. */
    async touch(): Promise<void> {
      const changed = { metadata: { annotations: { touched: `${random.next()}` } } };
      for (const name of await look()) {
        await plane.request('PATCH', `${jobsPath(system.namespace)}/${name}`, changed);
      }
      await sleep(200);
    },
    /** Ends some of those that run. */
    async some(): Promise<void> {
      const { namespace } = system;
      for (const name of await look()) {
        if (random.chance(0.5)) await endJob(plane, { namespace, name });
      }
      await sleep(20);
    },
  };
}

/** Jobs that began while another one was working on the same, in words. */
function overlaps(runs: Iterable<Run>): string[] {
  const found: string[] = [];
  for (const [target, those] of Map.groupBy(runs, (run) => run.target)) {
    const inOrder = those.toSorted((a, b) => a.created - b.created);
    for (const [i, { created }] of inOrder.entries()) {
      const before = inOrder[i - 1];
      if (before !== undefined && created < (before.ended ?? Number.POSITIVE_INFINITY)) {
        found.push(`${target}: one began at ${created}, the one before ended at ${before.ended}`);
      }
    }
  }
  return found;
}

await describeOnControlPlane('limits over several workers', (plane) => {
  const start = async (t: Parameters<typeof startClusterSystem>[0], definitions: string[]) => {
    const system = await startClusterSystem(t, plane);
    for (const one of definitions) await system.define(one);
    const workers = Array.from({ length: WORKERS }, () => system.startWorker(WORKER));
    await Promise.all([system.startReceiver(), ...workers]);
    await Promise.all(system.workers.map((worker) => worker.ready()));
    const redis = new Redis(system.redis.url, { maxRetriesPerRequest: 1 });
    redis.on('error', () => {});
    t.after(async () => redis.disconnect());
    return { system, redis };
  };

  it('two operarii never work on one node at once, while workers are killed and Redis is emptied', {
    timeout: 120_000,
  }, async (t) => {
    const seed = Date.now() % 100_000;
    t.diagnostic(`seed ${seed}`);
    const random = seeded(seed);
    const { system, redis } = await start(
      t,
      OPERARII.map((name) => definition(name, { policy: { target: 'node' }, job })),
    );
    const ending = createEnding({ plane, system, random });
    const alive = [...system.workers];
    const killOne = async (): Promise<void> => {
      alive.splice(random.below(alive.length), 1)[0]?.kill();
      const next = await system.startWorker(WORKER);
      await next.ready();
      alive.push(next);
    };
    const areKnown = async (): Promise<boolean> =>
      (await redis.hexists(targetsKey(DEFAULT_PREFIX), 'known')) === 1;

    // As where the workers have run for some minutes.
    await redis.hset(targetsKey(DEFAULT_PREFIX), 'known', Date.now());
    await system.post(notificationOf(alertsOf(0, ALERTS)));
    await until('Jobs have run', async () => {
      await ending.some();
      return ending.runs.size > NODES;
    });
    await killOne();
    await until(
      'each node is worked on',
      async () => (await ending.running()).length >= NODES,
      60_000,
    );

    // They run until the targets are known again, and what comes then must wait for them.
    await redis.flushall();
    await system.post(notificationOf(alertsOf(0, ALERTS)));
    await killOne();
    await until(
      'the targets are known again',
      async () => {
        await ending.touch();
        return areKnown();
      },
      60_000,
    );
    await system.post(notificationOf(alertsOf(ALERTS, MORE)));
    await until(
      'all Jobs have run',
      async () => {
        await ending.some();
        return ending.runs.size === ALERTS + MORE && (await ending.running()).length === 0;
      },
      60_000,
    );
    assert.deepEqual(overlaps(ending.runs.values()), []);
    assert.equal(new Set([...ending.runs.values()].map(({ target }) => target)).size, NODES);
    const [worker] = alive;
    assert.ok(worker);
    await drained(worker, 20_000);
  });

  it(`max-runs ${RUNS}/1h starts ${RUNS} Jobs, and holds the others`, async (t) => {
    const policy = { 'max-runs': `${RUNS}/1h` };
    const { system, redis } = await start(t, [definition('Drain', { policy, job })]);
    const alerts = Array.from({ length: 2 * RUNS }, (_, i) => ({
      ...{ alertname: 'Drain', instance: `${i}` },
    }));
    await system.post(notificationOf(alerts));
    const countOf = (state: string): Promise<number> =>
      redis.zcard(key(DEFAULT_PREFIX, QUEUE, state));
    await until('all are looked at', async () => {
      const [ended, held] = [await countOf('completed'), await countOf('delayed')];
      return ended + held === 2 * RUNS && held <= RUNS;
    });
    assert.equal((await system.jobs()).length, RUNS);
  });
});
