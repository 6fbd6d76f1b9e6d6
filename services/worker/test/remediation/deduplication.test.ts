import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rm, unlink, utimes } from 'node:fs/promises';
import { after, before, describe, type TestContext, test } from 'node:test';
import { definition } from '@openfero/testkit/operarii';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { EARLIER, LATER, remediation, STARTS, startsNow } from '@openfero/testkit/remediations';
import { until } from '@openfero/testkit/until';
import { createEpisodeMemory, type EpisodeMemory } from '../../src/redis/memory.ts';
import { createSandbox, runWorker, type Sandbox, type TestWorker } from '../worker.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

type Policy = Readonly<Record<string, string>>;
type Of = Parameters<typeof remediation>[1];

interface Running {
  readonly sandbox: Sandbox;
  readonly worker: TestWorker;
  /** Queues a remediation of the alert `Disk`. @returns how it ended */
  send(of?: Of): Promise<{ outcome: unknown; job: string }>;
}

async function running(t: TestContext, policy: Policy = {}): Promise<Running> {
  const sandbox = await createSandbox(t, server.url);
  await sandbox.define('Disk', definition('Disk', { policy }));
  const worker = await runWorker(t, sandbox);
  return {
    ...{ sandbox, worker },
    async send(of) {
      const { outcome, job } = await worker.end(await sandbox.add(remediation('Disk', of)));
      return { outcome, job: String(job) };
    },
  };
}

describe('one trouble has one Job', () => {
  test('however often its alert is sent again', async (t) => {
    const { sandbox, send } = await running(t);
    const first = await send();
    assert.equal(first.outcome, 'created');
    for (const receivedAt of [Date.now() - 60_000, Date.now()]) {
      assert.deepEqual(await send({ receivedAt }), { outcome: 'deduplicated', job: first.job });
    }
    assert.deepEqual(await sandbox.jobs(), [first.job]);
  });

  test('when its beginning moves to an earlier time', async (t) => {
    const { send } = await running(t);
    const first = await send();
    const moved = await send({ alert: { startsAt: EARLIER } });
    assert.deepEqual(moved, { outcome: 'deduplicated', job: first.job });
  });

  test('when another alert of the same operarius fires, each has its own', async (t) => {
    const { send } = await running(t);
    await send();
    assert.equal((await send({ labels: { zone: 'dmz' } })).outcome, 'created');
  });

  test("when the memory is lost: the Job's name is taken, and it is remembered again", async (t) => {
    const { sandbox, send } = await running(t);
    const first = await send();
    const [memory = ''] = await sandbox.redis.keys(`${sandbox.prefix}:memory:*`);
    const before = await sandbox.redis.hgetall(memory);
    await utimes(`${sandbox.jobsDir}/${first.job}.yaml`, 1000, 1000);
    await sandbox.redis.del(memory);

    assert.deepEqual(await send(), { outcome: 'deduplicated', job: first.job });

    const { createdAt, ...rest } = await sandbox.redis.hgetall(memory);
    assert.deepEqual({ ...before, ...rest, createdAt: '1000000' }, { ...rest, createdAt });
    assert.deepEqual(await sandbox.jobs(), [first.job]);
  });

  test('when Redis lost everything', async (t) => {
    const { sandbox, send } = await running(t);
    const first = await send();
    const keys = await sandbox.redis.keys(`${sandbox.prefix}:*`);
    await sandbox.redis.del(keys);
    assert.deepEqual(await send(), { outcome: 'deduplicated', job: first.job });
  });

  test('when its Job is gone: the memory still knows', async (t) => {
    const { sandbox, send } = await running(t);
    const first = await send();
    await unlink(`${sandbox.jobsDir}/${first.job}.yaml`);
    assert.deepEqual(await send(), { outcome: 'deduplicated', job: first.job });
    assert.deepEqual(await sandbox.jobs(), []);
  });
});

describe('a later trouble of the same alert', () => {
  test('waits for the cooldown and then runs; the wait does not age it', async (t) => {
    const { sandbox, worker, send } = await running(t, { cooldown: '2s', 'max-age': '1s' });
    await send();
    const since = Date.now();

    const id = await sandbox.add(remediation('Disk', startsNow()));
    await until('held', async () => (await sandbox.queue.getDelayedCount()) === 1);
    assert.equal((await sandbox.queue.getJob(id))?.data.held.reason, 'cooldown');
    await until(
      'counted',
      async () => (await worker.metric('openfero_remediations_held{reason="cooldown"}')) === 1,
    );

    assert.equal((await worker.end(id))['outcome'], 'created');
    const waited = Date.now() - since;
    assert.ok(waited > 1800 && waited < 3000, `${waited} ms`);
    assert.equal((await sandbox.jobs()).length, 2);
    assert.equal(await worker.metric('openfero_remediations_held{reason="cooldown"}'), 0);
  });

  test('that is held by the cooldown a second time is still not too old', async (t) => {
    const { sandbox, worker, send } = await running(t, { cooldown: '2s', 'max-age': '1s' });
    await send();
    const id = await sandbox.add(remediation('Disk', startsNow()));
    await until('held', async () => (await sandbox.queue.getDelayedCount()) === 1);
    const [memory = ''] = await sandbox.redis.keys(`${sandbox.prefix}:memory:*`);
    await sandbox.redis.hset(memory, 'createdAt', Date.now() + 1500);
    assert.equal((await worker.end(id))['outcome'], 'created');
  });

  test('runs at once where the cooldown is over', async (t) => {
    const { send } = await running(t, { cooldown: '0s' });
    await send();
    assert.equal((await send(startsNow())).outcome, 'created');
    const old = await send();
    assert.equal(old.outcome, 'deduplicated', 'a late re-send of the first one');
  });
});

describe('repeat-after', () => {
  test('runs again once it is over, and counts', async (t) => {
    const { sandbox, send } = await running(t, { 'repeat-after': '0s', cooldown: '0s' });
    const jobs = [(await send()).job, (await send()).job, (await send()).job];
    assert.deepEqual(await sandbox.jobs(), jobs.toSorted());
    assert.equal(new Set(jobs).size, 3);
    const [memory = ''] = await sandbox.redis.keys(`${sandbox.prefix}:memory:*`);
    assert.equal(await sandbox.redis.hget(memory, 'count'), '2');
    assert.match(await sandbox.readJob(jobs[2] ?? ''), new RegExp(`${STARTS}/2`));
  });

  test('counts in the queue before the Job is made: a second delivery finds it', async (t) => {
    const { sandbox, worker, send } = await running(t, { 'repeat-after': '0s', cooldown: '0s' });
    await send();
    await rm(sandbox.jobsDir, { recursive: true });

    const id = await sandbox.add(remediation('Disk'));
    await worker.line(({ msg }) => msg === 'attempt failed, will be retried');

    assert.deepEqual((await sandbox.queue.getJob(id))?.data.repeat, { episode: STARTS, count: 1 });
  });

  test('not before it is over', async (t) => {
    const { send } = await running(t, { 'repeat-after': '1h' });
    await send();
    assert.equal((await send()).outcome, 'deduplicated');
  });
});

describe('dedup-by', () => {
  const zone = (name: string): Of => ({ labels: { zone: name } });

  test('group: one Job for the alerts of a group, another for another group', async (t) => {
    const { send } = await running(t, { 'dedup-by': 'group', cooldown: '1000h' });
    const first = await send(zone('a'));
    assert.deepEqual(await send(zone('b')), { outcome: 'deduplicated', job: first.job });
    const other = await send({ ...zone('c'), group: { key: '{}:{other}' } });
    assert.equal(other.outcome, 'created');
  });

  test('operarius: one Job whatever the alert and its group', async (t) => {
    const { send } = await running(t, { 'dedup-by': 'operarius', cooldown: '1000h' });
    const first = await send(zone('a'));
    const other = await send({ ...zone('b'), group: { key: '{}:{other}' } });
    assert.deepEqual(other, { outcome: 'deduplicated', job: first.job });
  });

  test('in the next window within the cooldown of the last Job: deduplicated, not held', async (t) => {
    const hour = 3_600_000;
    const start = Math.floor(Date.now() / hour) * hour;
    const policy = { 'dedup-by': 'group', cooldown: '1h', 'max-age': '2h' };
    const { send } = await running(t, policy);
    const first = await send({ receivedAt: start - 1 });
    assert.deepEqual(await send({ receivedAt: start }), {
      outcome: 'deduplicated',
      job: first.job,
    });
  });
});

describe('the memory', () => {
  const k = 'a'.repeat(64);
  const remembered = (instant: string, createdAt: number) => ({
    episode: { instant, count: 0 },
    remediation: randomUUID(),
    job: `job-${createdAt}`,
    createdAfter: createdAt - 5,
    createdAt,
  });

  async function memoryOf(t: TestContext): Promise<{ sandbox: Sandbox; own: EpisodeMemory }> {
    const sandbox = await createSandbox(t, server.url);
    return { sandbox, own: createEpisodeMemory(sandbox.redis, sandbox.prefix) };
  }
  const { alert } = remediation('Disk');

  test('is never replaced by an earlier Job, whichever its episode', async (t) => {
    const { own } = await memoryOf(t);
    const latest = remembered(STARTS, 2000);
    await own.remember(k, latest);
    for (const earlier of [remembered(LATER, 1999), remembered(EARLIER, 1000)]) {
      await own.remember(k, earlier);
      assert.deepEqual((await own.look(k, alert, '')).memory, latest);
    }
    const next = remembered(EARLIER, 2001);
    await own.remember(k, next);
    assert.deepEqual((await own.look(k, alert, '')).memory, next);
  });

  test('is not replaced by a Job of before that a worker remembers late, or twice', async (t) => {
    const { own } = await memoryOf(t);
    const [first, latest] = [remembered(STARTS, 1000), remembered(LATER, 2000)];
    await own.remember(k, first);
    await own.remember(k, latest);
    const { createdAt: _, ...justNow } = first;
    await own.remember(k, justNow);
    assert.deepEqual((await own.look(k, alert, '')).memory, latest);
  });

  test('knows no Job that is created later than now, whatever the clock of the cluster says', async (t) => {
    const { own } = await memoryOf(t);
    await own.remember(k, remembered(STARTS, Date.now() + 3_600_000));
    const { memory, now } = await own.look(k, alert, '');
    assert.ok(Number(memory?.createdAt) <= now && Number(memory?.createdAfter) <= now);
  });

  test('of an earlier release is read', async (t) => {
    const { sandbox, own } = await memoryOf(t);
    const { createdAfter: _, ...old } = remembered(STARTS, 2000);
    const { episode, ...rest } = old;
    const fields = { episode: episode.instant, count: 0, ...rest };
    await sandbox.redis.hset(`${sandbox.prefix}:memory:${k}`, fields);
    assert.deepEqual((await own.look(k, alert, '')).memory, { ...old, createdAfter: 2000 });
  });

  test('lives 8 days past its last sighting', async (t) => {
    const { sandbox, own } = await memoryOf(t);
    await own.remember(k, remembered(STARTS, 2000));
    const [key = ''] = await sandbox.redis.keys(`${sandbox.prefix}:memory:*`);
    await sandbox.redis.pexpire(key, 1000);
    await own.touch(k);
    assert.ok((await sandbox.redis.pttl(key)) > 8 * 24 * 3_600_000 - 10_000);
  });

  test('is empty at first, and looked at by the clock of Redis', async (t) => {
    const { own } = await memoryOf(t);
    const { now, memory, state } = await own.look(k, alert, '');
    assert.ok(Math.abs(now - Date.now()) < 5000);
    assert.deepEqual([memory, state], [undefined, undefined]);
  });
});
