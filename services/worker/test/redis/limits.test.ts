import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { placesKey } from '@openfero/core/redis/places';
import { targetsKey } from '@openfero/core/redis/targets';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { type GivenPlaces, givenPlaces } from './given-places.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const MINUTE = 60_000;
const NODE = '0123456789abcdef0123';
const OTHER_NODE = 'fedcba98765432100123';
const A = { operarius: 'drain', target: NODE };
const B = { operarius: 'reboot', target: NODE };

/** In place of letting a time pass: what was counted is older by so much. */
async function age({ sandbox }: GivenPlaces, key: string, by: number): Promise<void> {
  const { redis, prefix } = sandbox;
  for (const member of await redis.zrange(`${prefix}:${key}`, '0', '-1')) {
    await redis.zincrby(`${prefix}:${key}`, -by, member);
  }
}

describe('max-runs', () => {
  const maxRuns = { count: 2, within: MINUTE };

  test('counts the Jobs that were started, over and not over, for as long as it says', async (t) => {
    const given = await givenPlaces(t, server.url, { maxActiveJobs: 50 });
    const { take, places } = given;
    assert.equal(await take('a', { maxRuns }), undefined);
    await places.release({ name: 'a', operarius: 'op' });
    assert.equal(await take('b', { maxRuns }), undefined);
    assert.equal(await take('b', { maxRuns }), undefined, 'it counts once');
    assert.equal(await take('c', { maxRuns }), 'max-runs');
    assert.equal(await take('c', { operarius: 'other', maxRuns }), undefined);
    await age(given, 'runs:op', MINUTE);
    assert.equal(await take('c', { maxRuns }), undefined);
  });

  test('over all operarii too, and none of it is taken where either is used up', async (t) => {
    const given = await givenPlaces(t, server.url, { maxActiveJobs: 50, maxRuns });
    const { take, sandbox } = given;
    assert.equal(await take('a', A), undefined);
    assert.equal(await take('b', { operarius: 'other' }), undefined);
    assert.equal(await take('c', { operarius: 'third', target: OTHER_NODE }), 'max-runs');
    const { redis, prefix } = sandbox;
    assert.equal(await redis.zcard(placesKey(prefix)), 2);
    assert.equal(await redis.hexists(targetsKey(prefix), OTHER_NODE), 0);
    await age(given, 'runs', MINUTE);
    assert.equal(await take('c', { operarius: 'third', target: OTHER_NODE }), undefined);
  });

  test('does not count what no Job came of', async (t) => {
    const { take, giveBack, places } = await givenPlaces(t, server.url, { maxActiveJobs: 50 });
    const once = { maxRuns: { count: 1, within: MINUTE } };
    assert.equal(await take('a', once), undefined);
    await giveBack('a');
    assert.equal(await take('b', once), undefined);
    await places.release({ name: 'b', operarius: 'op' });
    assert.equal(await take('c', once), 'max-runs');
  });

  test('hands a place that it cannot use to another operarius', async (t) => {
    const { take, places, held, called } = await givenPlaces(t, server.url, { maxActiveJobs: 1 });
    const once = { maxRuns: { count: 1, within: MINUTE } };
    await take('a', once);
    const other = await held('max-active-jobs', { operarius: 'other' });
    await places.release({ name: 'a', operarius: 'op' });
    assert.deepEqual(await called(), [other]);
    const third = await held('max-runs', once);
    assert.ok(third);
  });

  test('holds over ten workers that all want to start a Job at once: 20 of 200', async (t) => {
    const twenty = { maxRuns: { count: 20, within: MINUTE } };
    const first = await givenPlaces(t, server.url, { maxActiveJobs: 0 });
    const workers = await Promise.all(
      Array.from({ length: 10 }, () => givenPlaces(t, server.url, { maxActiveJobs: 0 }, first)),
    );
    const wanted = workers.flatMap(({ take }, worker) =>
      Array.from({ length: 20 }, (_, i) => take(`j${worker}-${i}`, twenty)),
    );
    const reasons = await Promise.all(wanted);
    assert.equal(reasons.filter((one) => one === undefined).length, 20);
    assert.ok(reasons.every((one) => one === undefined || one === 'max-runs'));
  });
});

describe('a target', () => {
  test('is one Job’s at a time, whichever operarius it is of, and another one’s when that has ended', async (t) => {
    const { take, places, sandbox } = await givenPlaces(t, server.url, { maxActiveJobs: 0 });
    assert.equal(await take('a', A), undefined);
    assert.equal(await take('a', A), undefined, 'taken again');
    assert.equal(await take('b', B), 'target');
    assert.equal(await take('c', { ...B, target: OTHER_NODE }), undefined);
    assert.equal(await take('d', { operarius: 'reboot' }), undefined, 'works on nothing');
    await places.release({ name: 'b', ...B });
    assert.equal(await take('b', B), 'target', 'it was not its own to give back');
    await places.release({ name: 'a', ...A });
    assert.equal(await take('b', B), undefined);
    const holder = await places.holderOf(NODE);
    assert.deepEqual(holder, { kind: 'place', place: 'reboot/b' });
    assert.equal(
      await sandbox.redis.exists(placesKey(sandbox.prefix)),
      0,
      'there is no other limit',
    );
  });

  test('that is given back calls who waits for it, and who waits for the place', async (t) => {
    const { take, places, held, called } = await givenPlaces(t, server.url, { maxActiveJobs: 1 });
    await take('a', A);
    const forPlace = await held('max-active-jobs', { operarius: 'other' });
    const forTarget = await held('target', B);
    await places.release({ name: 'a', ...A });
    assert.deepEqual(new Set(await called()), new Set([forTarget, forPlace]));
  });

  test('is handed on by one that was called for it and may not start', async (t) => {
    const limits = { maxActiveJobs: 0, maxActive: 1 };
    const { take, places, held, called } = await givenPlaces(t, server.url, limits);
    await take('a', A);
    await take('x', { operarius: 'reboot' });
    const [first, second] = [
      await held('target', B),
      await held('target', { ...B, operarius: 'c' }),
    ];
    await places.release({ name: 'a', ...A });
    assert.deepEqual(await called(), [first]);
    assert.equal(await take('b', { ...B, remediation: first }), 'max-active');
    assert.deepEqual(new Set(await called()), new Set([first, second]));
  });

  test('is called at once by one that was freed before it was delayed', async (t) => {
    const { take, places, sandbox, called } = await givenPlaces(t, server.url, {
      maxActiveJobs: 0,
    });
    await take('a', A);
    assert.equal(await take('b', { ...B, remediation: 'late' }), 'target');
    await places.release({ name: 'a', ...A });
    await sandbox.queue.add('remediation', {}, { jobId: 'late', delay: MINUTE });
    const now = { since: Date.now(), until: Date.now() };
    await places.hold({ reason: 'target', remediation: 'late', ...B }, now);
    assert.deepEqual(await called(), ['late']);
  });
});

describe('targets after a loss of Redis', () => {
  const a = { name: 'a', ...A };

  test('are unknown until all Jobs are read, so that no second Job works on one', async (t) => {
    let lost = 0;
    const onLost = (): void => void lost++;
    const limits = { maxActiveJobs: 0, onLost };
    const { take, places, sandbox } = await givenPlaces(t, server.url, limits);
    await take('a', A);
    await sandbox.redis.del(targetsKey(sandbox.prefix));
    assert.equal(await take('b', B), 'target', 'a may still run');
    assert.deepEqual(await places.holderOf(NODE), { kind: 'unknown' });
    assert.equal(lost, 1);
    assert.equal(await places.reconcile(Date.now(), []), false, 'a may be on its way');
    assert.equal(await take('b', B), 'target');
    assert.equal(await places.reconcile(Date.now() + MINUTE, [a]), true);
    assert.equal(await take('b', B), 'target');
    assert.equal(await take('c', { ...B, target: OTHER_NODE }), undefined);
    await places.release(a);
    assert.equal(await take('b', B), undefined);
  });

  test('are free where a Job is gone whose end nobody saw, and call who waits', async (t) => {
    const { take, places, held, called } = await givenPlaces(t, server.url, { maxActiveJobs: 0 });
    await take('a', A);
    const waiting = await held('target', B);
    await places.reconcile(Date.now(), []);
    assert.deepEqual(await called(), [], 'a is young: its Job may be on its way');
    await places.reconcile(Date.now() + MINUTE, [a]);
    assert.deepEqual(await called(), []);
    await places.reconcile(Date.now() + MINUTE, []);
    assert.deepEqual(await called(), [waiting]);
    assert.equal(await take('b', B), undefined);
  });
});

test('without these limits nothing of them is sent to Redis or written', async (t) => {
  const { take, places, sandbox } = await givenPlaces(t, server.url, { maxActiveJobs: 50 });
  const { redis, prefix } = sandbox;
  const before = await redis.keys(`${prefix}:*`);
  await take('a');
  await places.release({ name: 'a', operarius: 'op' });
  const added = (await redis.keys(`${prefix}:*`)).filter((key) => !before.includes(key));
  assert.deepEqual(
    added.filter((key) => /:(runs|waiting|targets)/.test(key)),
    [],
  );
});
