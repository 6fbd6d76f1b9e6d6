import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readStopped } from '@openfero/core/redis/stopped';
import type { Verdict } from '@openfero/core/redis/verdicts';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { createRuns, OPERARIUS, type Runs, runOf } from './runs.ts';

let server: TestRedis;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

const NOW = Date.now();

const stateOf = async ({ sandbox: { redis, prefix } }: Runs) =>
  readStopped(await redis.hget(`${prefix}:stopped`, OPERARIUS));

/** How the row ends where one run after the other ends so: b, g or p. */
async function rowOf(runs: Runs, verdicts: string): Promise<number> {
  const words: Readonly<Record<string, Verdict>> = { b: 'bad', g: 'good', p: 'pending' };
  let row = 0;
  for (const [index, mark] of [...verdicts].entries()) {
    row = (await runs.end(runOf(NOW + index, { verdict: words[mark] ?? 'bad' }))).row;
  }
  return row;
}

describe('bad runs in a row', () => {
  it('stop an operarius, whatever went before', async (t) => {
    assert.equal(await rowOf(await createRuns(t, server.url), 'bbbb'), 0);
    assert.equal(await rowOf(await createRuns(t, server.url), 'bbbbb'), 5);
    assert.equal(await rowOf(await createRuns(t, server.url), 'bbbbgbbbb'), 0);
    assert.equal(await rowOf(await createRuns(t, server.url), 'bgbbbbb'), 5);
    assert.equal(await rowOf(await createRuns(t, server.url), 'bbbbpb'), 0, 'not judged yet');
    assert.equal(await rowOf(await createRuns(t, server.url), 'pbbbbb'), 5);
  });

  it('count in the order of the ends, also those that are known late', async (t) => {
    const runs = await createRuns(t, server.url);
    const late = runOf(NOW + 2, { verdict: 'pending' });
    await runs.end(late);
    for (const at of [0, 1, 3, 4]) assert.equal((await runs.end(runOf(NOW + at))).row, 0);
    assert.equal(await runs.settle({ ...late, verdict: 'bad' }), 5);
    assert.equal(await runs.settle({ ...late, verdict: 'bad' }), 0, 'once');
  });

  it('do not stop where a newer run was good, and an end that is told late is older', async (t) => {
    const runs = await createRuns(t, server.url);
    await runs.end(runOf(NOW + 10, { verdict: 'good' }));
    for (const at of [0, 1, 2, 3, 4]) assert.equal((await runs.end(runOf(NOW + at))).row, 0);
  });

  it('are those of one definition', async (t) => {
    const runs = await createRuns(t, server.url);
    await rowOf(runs, 'bbbb');
    assert.equal((await runs.end(runOf(NOW + 9, { definition: 'abcdefabcd' }))).row, 0);
  });

  it('stop nothing that is stopped, and stop again after that time', async (t) => {
    const runs = await createRuns(t, server.url);
    await rowOf(runs, 'bbbbb');
    const first = await stateOf(runs);
    assert.ok(first !== undefined && first.row === 5);
    assert.ok(Math.abs(first.until - first.at - 3_600_000) < 1000);
    assert.equal((await runs.end(runOf(NOW + 10))).row, 0);
    assert.deepEqual(await stateOf(runs), first);

    const over = JSON.stringify({ ...first, until: first.at });
    await runs.sandbox.redis.hset(`${runs.sandbox.prefix}:stopped`, OPERARIUS, over);
    assert.equal((await runs.end(runOf(NOW + 11))).row, 7, 'the row is still there');
    const entries = await runs.sandbox.redis.xrange(`${runs.sandbox.prefix}:history`, '-', '+');
    const told = entries.filter(([, fields]) => fields[3]?.includes('"kind":"stopped"'));
    assert.equal(told.length, 2);
  });

  it('stop nothing if they ended before the stop would be over: news of an outage', async (t) => {
    const runs = await createRuns(t, server.url);
    for (let index = 0; index < 6; index++) {
      const long = Date.now() - 3_700_000 + index;
      assert.equal((await runs.end(runOf(long))).row, 0);
    }
    const old = runOf(Date.now() - 200_000, { verdict: 'pending' });
    await runs.end(old);
    const waiting = await runs.sandbox.redis.zcard(`${runs.sandbox.prefix}:effects`);
    assert.equal(waiting, 0, 'and their effects are not judged');
  });

  it('never stop with stop-after 0, and until a person comes with stop-for rearm', async (t) => {
    const runs = await createRuns(t, server.url);
    for (const at of [0, 1, 2, 3, 4]) {
      assert.equal((await runs.end(runOf(NOW + at, { stopAfter: 0 }))).row, 0);
    }
    assert.equal((await runs.end(runOf(NOW + 5, { stopFor: 0 }))).row, 6);
    assert.equal((await stateOf(runs))?.until, 0);
  });
});

it('ends that four workers tell in any order, a third of them twice, stop once', async (t) => {
  const runs = await createRuns(t, server.url);
  const { redis, prefix } = runs.sandbox;
  const all = Array.from({ length: 600 }, (_, index) =>
    runOf(NOW + index, { verdict: index < 300 || index % 2 === 0 ? 'good' : 'bad' }),
  );
  const row = Array.from({ length: 5 }, (_, index) => runOf(NOW + 1000 + index));
  const told = [...all, ...row, ...all.slice(0, 200), ...row];
  const shuffled = told.map((run) => ({ run, by: Math.random() })).sort((a, b) => a.by - b.by);
  const results = await Promise.all(shuffled.map(({ run }) => runs.end(run)));
  assert.equal(results.filter(({ first }) => first).length, 605);
  assert.equal(results.filter((each) => each.row > 0).length, 1);
  assert.equal(await redis.hget(`${prefix}:totals`, `${OPERARIUS}/bad`), '155');
  assert.equal(await redis.zcard(`${prefix}:verdicts:${OPERARIUS}:0123456789`), 500);
});
