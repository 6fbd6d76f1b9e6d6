import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { labelValue } from '@openfero/core/labels';
import { historyKey } from '@openfero/core/redis/history';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import { type GivenPlaces, givenPlaces } from './given-places.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

function given(t: TestContext, maxActiveJobs: number, maxActive = 0): Promise<GivenPlaces> {
  return givenPlaces(t, server.url, { maxActiveJobs, maxActive });
}

describe('a place', () => {
  test('is a Job’s: it can be taken again, and given back once', async (t) => {
    const { places: own, take } = await given(t, 1);
    assert.equal(await take('a'), undefined);
    assert.equal(await take('a'), undefined);
    assert.equal(await take('b'), 'max-active-jobs');
    await own.release({ name: 'a', operarius: 'op' });
    await own.release({ name: 'a', operarius: 'op' });
    assert.equal(await take('b'), undefined);
    assert.equal(await take('a'), 'max-active-jobs');
  });

  test('counts for its operarius, and over all', async (t) => {
    const { take } = await given(t, 3, 2);
    assert.equal(await take('a'), undefined);
    assert.equal(await take('b'), undefined);
    assert.equal(await take('c'), 'max-active');
    assert.equal(await take('c', { operarius: 'other' }), undefined);
    assert.equal(await take('d', { operarius: 'other' }), 'max-active-jobs');
  });

  test('is not counted where there is no limit', async (t) => {
    const { sandbox, take } = await given(t, 0, 0);
    for (const job of ['a', 'b', 'c']) assert.equal(await take(job), undefined);
    assert.deepEqual(await sandbox.redis.keys(`${sandbox.prefix}:places*`), []);
  });

  test('of an operarius with a long name is the one that its Job’s label names', async (t) => {
    const { places: own, take } = await given(t, 0, 1);
    const operarius = `openfero-${'very-'.repeat(20)}long-firing`;
    assert.ok(operarius.length > 63);
    assert.equal(await take('a', { operarius }), undefined);
    assert.equal(await take('b', { operarius }), 'max-active');
    await own.release({ name: 'a', operarius: labelValue(operarius) });
    assert.equal(await take('b', { operarius }), undefined);
    await own.reconcile(Date.now() + 60_000, [{ name: 'b', operarius: labelValue(operarius) }]);
    assert.equal(await take('c', { operarius }), 'max-active', 'b still runs');
  });
});

describe('whoever waits for a place', () => {
  test('is called when one is given back: who was received first, and one for each', async (t) => {
    const { places: own, take, held, called } = await given(t, 0, 2);
    await take('a');
    await take('b');
    const [first, second] = [await held('max-active'), await held('max-active')];
    await own.release({ name: 'a', operarius: 'op' });
    assert.deepEqual(await called(), [first]);
    await own.release({ name: 'a', operarius: 'op' });
    assert.deepEqual(await called(), [first], 'nobody gains a place by that');
    await own.release({ name: 'b', operarius: 'op' });
    assert.deepEqual(new Set(await called()), new Set([first, second]));
  });

  test('is called by its own operarius first, then by any', async (t) => {
    const { places: own, take, held, called } = await given(t, 2, 1);
    await take('a');
    await take('b', { operarius: 'other' });
    const ownLimit = await held('max-active');
    const anyPlace = await held('max-active-jobs', { operarius: 'third' });
    await own.release({ name: 'b', operarius: 'other' });
    assert.deepEqual(await called(), [anyPlace]);
    await own.release({ name: 'a', operarius: 'op' });
    assert.deepEqual(new Set(await called()), new Set([anyPlace, ownLimit]));
  });

  test('is passed over where it was removed, or waits no more', async (t) => {
    const { sandbox, places: own, take, held, called } = await given(t, 1);
    await take('a');
    const removed = await held('max-active-jobs');
    const expired = await held('max-active-jobs');
    const waiting = await held('max-active-jobs');
    await (await sandbox.queue.getJob(removed))?.remove();
    await own.unhold({ reason: 'max-active-jobs', remediation: expired, operarius: 'op' });
    await own.release({ name: 'a', operarius: 'op' });
    assert.deepEqual(await called(), [waiting]);
  });

  test('is called at once where its place came before it was delayed', async (t) => {
    const { sandbox, places: own, take, called } = await given(t, 1);
    await take('a');
    const { id, ...data } = remediation('Disk');
    assert.equal(await take('b', { remediation: id }), 'max-active-jobs');
    await own.release({ name: 'a', operarius: 'op' });
    await sandbox.queue.add('remediation', data, { jobId: id, delay: 60_000 });
    const now = { since: Date.now(), until: Date.now() };
    await own.hold({ reason: 'max-active-jobs', remediation: id, operarius: 'op' }, now);
    assert.deepEqual(await called(), [id]);
    assert.equal((await own.countHeld(['max-active-jobs'])).get('max-active-jobs')?.count, 0);
  });

  test('passes the call on where its own operarius has no place', async (t) => {
    const { places: own, take, held, called } = await given(t, 2, 1);
    await take('a');
    await take('b', { operarius: 'other' });
    const [runs, useless] = [
      await held('max-active-jobs', { operarius: 'third' }),
      await held('max-active-jobs', { operarius: 'third' }),
    ];
    const useful = await held('max-active-jobs', { operarius: 'fourth' });
    await own.release({ name: 'a', operarius: 'op' });
    assert.equal(await take('c', { operarius: 'third', remediation: runs }), undefined);
    await own.release({ name: 'b', operarius: 'other' });
    assert.deepEqual(new Set(await called()), new Set([runs, useless]));
    assert.equal(await take('d', { operarius: 'third', remediation: useless }), 'max-active');
    assert.deepEqual(new Set(await called()), new Set([runs, useless, useful]));
  });

  test('is counted until a minute after it should have been looked at', async (t) => {
    const { places: own } = await given(t, 1);
    const now = Date.now();
    const hold = (remediation: string, since: number, until: number): Promise<boolean> =>
      own.hold({ reason: 'cooldown', remediation, operarius: 'op' }, { since, until });
    await hold('overdue', now - 900_000, now - 60_001);
    await hold('a', now - 300_000, now - 50_000);
    await hold('b', now - 200_000, now + 1000);
    const counted = await own.countHeld(['claimed', 'cooldown']);
    assert.deepEqual(counted.get('claimed'), { count: 0, oldest: 0 });
    const { count = 0, oldest = 0 } = counted.get('cooldown') ?? {};
    assert.equal(count, 2);
    assert.ok(oldest >= 300_000 && oldest < 310_000, `the oldest for ${oldest} ms`);
    await own.unhold({ reason: 'cooldown', remediation: 'a', operarius: 'op' });
    await hold('b', now, now + 2000);
    const later = (await own.countHeld(['cooldown'])).get('cooldown');
    assert.equal(later?.count, 1);
    assert.ok(later.oldest >= 200_000 && later.oldest < 210_000, 'held again: still since then');
  });
});

describe('put right by what the cluster says', () => {
  const soon = 60_000;

  test('a place whose Job is not there is given back, and calls', async (t) => {
    const { places: own, take, held, called } = await given(t, 2);
    await take('runs');
    await take('gone');
    const waiting = await held('max-active-jobs');
    await own.reconcile(Date.now() + soon, [{ name: 'runs', operarius: 'op' }]);
    assert.deepEqual(await called(), [waiting]);
    assert.equal(await take('next'), undefined);
    assert.equal(await take('more'), 'max-active-jobs');
  });

  test('a young place is left alone: its Job may be on its way; taken again it is young', async (t) => {
    const { sandbox, places: own, take } = await given(t, 1);
    await take('a');
    await own.reconcile(Date.now(), []);
    assert.equal(await take('b'), 'max-active-jobs');
    const [place = ''] = await sandbox.redis.zrange(`${sandbox.prefix}:places`, '0', '-1');
    await sandbox.redis.zadd(`${sandbox.prefix}:places`, 1, place);
    await take('a');
    await own.reconcile(Date.now(), []);
    assert.equal(await take('b'), 'max-active-jobs');
  });

  test('one that is taken again while it looks at all of them is young, too', async (t) => {
    const { sandbox, places: own, take } = await given(t, 1);
    const { redis, prefix } = sandbox;
    await take('a');
    await redis.zadd(`${prefix}:places`, 1, 'op/a');
    const zrange = redis.zrange.bind(redis);
    t.mock.method(redis, 'zrange', async (...args: Parameters<typeof zrange>) => {
      const seen = await zrange(...args);
      await take('a');
      return seen;
    });
    await own.reconcile(Date.now(), []);
    assert.equal(await take('b'), 'max-active-jobs');
  });

  test('places that Redis lost are taken again', async (t) => {
    const { sandbox, places: own, take } = await given(t, 2, 1);
    await take('a');
    await sandbox.redis.del(`${sandbox.prefix}:places`, `${sandbox.prefix}:places:op`);
    await own.reconcile(Date.now(), [
      { name: 'a', operarius: 'op' },
      { name: 'b', operarius: 'other' },
    ]);
    assert.equal(await take('c'), 'max-active');
    assert.equal(await take('c', { operarius: 'third' }), 'max-active-jobs');
  });
});

test('why a remediation is held is told by the worker that has it, and by no other', async (t) => {
  const { sandbox, places: own } = await given(t, 1);
  const { redis, prefix } = sandbox;
  const entry = await sandbox.lock(remediation('Disk'));
  await own.appendHeld({ ...entry, token: 'of another worker' }, 'too late');
  await own.appendHeld(entry, 'in time');
  await redis.del(`${entry.key}:lock`);
  await own.appendHeld(entry, 'too late');
  const entries = await redis.xrange(historyKey(prefix), '-', '+');
  assert.deepEqual(
    entries.map(([, fields]) => fields.at(-1)),
    ['in time'],
  );
});
