import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DecidedEntry } from '@openfero/core/history/entry';
import { parseEntry } from '@openfero/core/history/parse';
import { DECIDE, decideInput } from '@openfero/core/redis/approval-scripts';
import { approvalsKey, askedKey, type Decision } from '@openfero/core/redis/approvals';
import { historyKey } from '@openfero/core/redis/history';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';
import { at, type Cluster, itemsOf, jobsPath } from '@openfero/testkit/controlplane';
import { describeOnControlPlane } from '@openfero/testkit/describe-on-control-plane';
import { definition } from '@openfero/testkit/operarii';
import type { Service } from '@openfero/testkit/process';
import { type Random, seeded } from '@openfero/testkit/random';
import { until } from '@openfero/testkit/until';
import { Redis } from 'ioredis';
import { type ClusterSystem, startClusterSystem } from './cluster-system.ts';
import { notificationOf } from './system.ts';

/** 396 once, as the design was tried: `OPENFERO_TEST_APPROVALS=396`. */
const QUESTIONS = Number(process.env['OPENFERO_TEST_APPROVALS'] ?? 24);

/** Asked at once; each kills one worker. */
const BATCH = 12;

/** Milliseconds within which the two acts on one Job happen. */
const WITHIN = 250;

const UNLIMITED = {
  OPENFERO_MAX_ACTIVE_JOBS: '0',
  OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '0',
};

interface Asked {
  readonly uid: string;
  readonly name: string;
  readonly instance: string;
}

interface World {
  readonly plane: Cluster;
  readonly system: ClusterSystem;
  readonly redis: Redis;
}

/** What people, alerts and time do to a question. */
const ACTS = {
  approve: (asked: Asked, world: World) => wish(asked, world, 'approved'),
  deny: (asked: Asked, world: World) => wish(asked, world, 'denied'),
  'kubectl release': ({ name }: Asked, world: World) =>
    patch(name, world, { spec: { suspend: false } }),
  'kubectl delete': async ({ name }: Asked, { plane, system }: World) => {
    const path = `${jobsPath(system.namespace)}/${name}?propagationPolicy=Background`;
    await plane.request('DELETE', path);
  },
  resolve: async ({ instance }: Asked, { system }: World) => {
    const labels = { alertname: 'Disk', instance };
    const over = { status: 'resolved', endsAt: new Date().toISOString() };
    await system.post(notificationOf([labels], over));
  },
  lapse: ({ name }: Asked, world: World) =>
    patch(name, world, {
      metadata: { annotations: { 'openfero.io/approval-until': '2026-01-01T00:00:00Z' } },
    }),
} as const;
type Act = keyof typeof ACTS;

/** Which decisions an act may lead to. */
const LEADS_TO: Readonly<Record<Act, Decision>> = {
  approve: 'approved',
  deny: 'denied',
  'kubectl release': 'approved',
  'kubectl delete': 'denied',
  resolve: 'withdrawn',
  lapse: 'lapsed',
};

async function wish({ uid }: Asked, { redis }: World, decision: Decision): Promise<void> {
  const { keys, args } = decideInput(DEFAULT_PREFIX, uid, { decision, by: 'ada', at: Date.now() });
  await redis.eval(DECIDE, keys.length, ...keys, ...args);
}

async function patch(name: string, { plane, system }: World, body: object): Promise<void> {
  await plane.request('PATCH', `${jobsPath(system.namespace)}/${name}`, body);
}

async function entriesOf(redis: Redis) {
  const entries = await redis.xrange(historyKey(DEFAULT_PREFIX), '-', '+');
  return entries.map(([, fields]) => parseEntry(fields)).filter((entry) => entry !== undefined);
}

/** The uids of the Jobs that have, or had, a pod. */
function watchPods(t: TestContext, { plane, system }: World): Set<string> {
  const seen = new Set<string>();
  let stopped = false;
  t.after(() => {
    stopped = true;
  });
  const look = async (): Promise<void> => {
    while (!stopped) {
      const { body } = await plane.request('GET', `/api/v1/namespaces/${system.namespace}/pods`);
      for (const pod of itemsOf(body)) {
        const [owner] = [at(pod, 'metadata', 'ownerReferences')].flat();
        seen.add(String(at(owner, 'uid')));
      }
      await sleep(100);
    }
  };
  void look().catch(() => {});
  return seen;
}

/** Alerts whose Jobs wait for a person. */
async function ask(world: World, instances: readonly string[]): Promise<Asked[]> {
  const { system, redis } = world;
  await system.post(notificationOf(instances.map((instance) => ({ alertname: 'Disk', instance }))));
  let found: Asked[] = [];
  await until(
    'they are asked about',
    async () => {
      const questions = Object.entries(await redis.hgetall(askedKey(DEFAULT_PREFIX)));
      found = questions
        .map(([uid, text]) => ({ uid, ...JSON.parse(text) }))
        .map(({ uid, job, labels }) => ({ uid, name: job, instance: labels['instance'] }))
        .filter(({ instance }) => instances.includes(instance));
      return found.length === instances.length;
    },
    60_000,
  );
  return found;
}

async function killOne(system: ClusterSystem, alive: Service[], random: Random): Promise<void> {
  await sleep(random.below(2 * WITHIN));
  const index = random.below(alive.length);
  alive.splice(index, 1)[0]?.kill();
  const next = await system.startWorker(UNLIMITED);
  await next.ready();
  alive.push(next);
}

await describeOnControlPlane('Jobs that wait for a person, decided twice at once', (plane) => {
  it('are decided once each, and none runs that was not approved, while workers are killed', {
    timeout: 900_000,
  }, async (t) => {
    const seed = Date.now() % 100_000;
    t.diagnostic(`seed ${seed}`);
    const random = seeded(seed);
    const system = await startClusterSystem(t, plane);
    await system.define(definition('Disk', { policy: { mode: 'approve' } }));
    await system.startReceiver();
    const alive = await Promise.all([1, 2, 3].map(() => system.startWorker(UNLIMITED)));
    await Promise.all([...alive, ...system.receivers].map((one) => one.ready()));
    const redis = new Redis(system.redis.url, { maxRetriesPerRequest: 1 });
    redis.on('error', () => {});
    t.after(() => redis.disconnect());
    const world: World = { plane, system, redis };
    const pods = watchPods(t, world);
    const done = new Map<string, readonly Act[]>();

    for (let start = 0; start < QUESTIONS; start += BATCH) {
      const size = Math.min(BATCH, QUESTIONS - start);
      const questions = await ask(
        world,
        Array.from({ length: size }, (_, i) => `host-${start + i}`),
      );
      const names = Object.keys(ACTS) as Act[];
      const killing = killOne(system, alive, random);
      await Promise.all(
        questions.map(async (question) => {
          const acts = [0, 1].map(() => random.pick(names) ?? 'deny');
          done.set(question.uid, acts);
          const waits = acts.map(() => random.below(WITHIN));
          await Promise.all(
            acts.map(async (act, i) => {
              await sleep(waits[i]);
              await ACTS[act](question, world);
            }),
          );
        }),
      );
      await killing;
    }

    await until(
      'all is decided',
      async () => (await redis.hlen(askedKey(DEFAULT_PREFIX))) === 0,
      120_000,
    );
    assert.equal(await redis.hlen(approvalsKey(DEFAULT_PREFIX)), 0);
    const entries = await entriesOf(redis);
    const decided = entries.filter((entry) => entry.kind === 'decided');
    const uids = (kind: 'asked' | 'decided'): string[] =>
      entries.flatMap((entry) => (entry.kind === kind ? [entry.uid] : [])).sort();
    assert.deepEqual(uids('asked'), [...done.keys()].sort(), 'each is asked about once');
    assert.deepEqual(uids('decided'), [...done.keys()].sort(), 'each is decided once');
    const jobs = new Map(
      (await system.jobs()).map((job) => [String(at(job, 'metadata', 'uid')), job]),
    );
    const check = ({ uid, decision }: DecidedEntry): void => {
      const acts = done.get(uid) ?? [];
      const words = `${acts.join(' and ')}: ${decision}`;
      assert.ok(
        acts.some((act) => LEADS_TO[act] === decision),
        words,
      );
      const job = jobs.get(uid);
      if (decision === 'approved') {
        assert.notEqual(at(job, 'spec', 'suspend'), true, words);
      } else {
        assert.equal(job, undefined, words);
        assert.ok(!pods.has(uid), `${words}, and it had a pod`);
      }
    };
    for (const entry of decided) check(entry);
    const counts = Map.groupBy(decided, ({ decision }) => decision);
    t.diagnostic(
      `${decided.length} decided: ${[...counts].map(([word, those]) => `${those.length} ${word}`).join(', ')}; ${pods.size} had pods`,
    );
  });
});
