import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { placesKey } from '@openfero/core/redis/places';
import { definition } from '@openfero/testkit/operarii';
import { startRedis } from '@openfero/testkit/redis';
import { remediation } from '@openfero/testkit/remediations';
import type { Alertmanagers } from '../../src/alertmanager/ask.ts';
import { AHEAD_OF_WATCH, LOCK_TRUST } from '../../src/redis/lock.ts';
import type { Places } from '../../src/redis/places.ts';
import { remediate } from '../../src/remediation/remediate.ts';
import { deliveryBy, dependenciesOf } from '../attempt.ts';
import { createSandbox } from '../worker.ts';

describe('a place that counted as left over meanwhile is taken again before the Job is created', {
  concurrency: true,
}, () => {
  test('where Alertmanager was slow', async (t) => {
    const { sandbox, deps, loseAndWait, placesTaken } = await given(t);
    const slow: Alertmanagers = {
      async standingOf() {
        await loseAndWait();
        return { kind: 'active' };
      },
      post: async () => [],
      close: async () => {},
    };
    const delivery = await deliveryBy(sandbox, remediation('Disk'));
    const done = await remediate(delivery, { ...deps, alertmanagers: slow });
    assert.ok(done.kind === 'end' && done.result.outcome === 'created');
    assert.equal(await placesTaken(), 1);
  });

  test('where Redis was slow to say that it is taken', async (t) => {
    const { sandbox, deps, loseAndWait, placesTaken } = await given(t);
    let isFirst = true;
    const take: Places['take'] = async (request) => {
      const answer = await deps.places.take(request);
      if (isFirst) await loseAndWait();
      isFirst = false;
      return answer;
    };
    const delivery = await deliveryBy(sandbox, remediation('Disk'));
    const done = await remediate(delivery, { ...deps, places: { ...deps.places, take } });
    assert.ok(done.kind === 'end' && done.result.outcome === 'created');
    assert.equal(await placesTaken(), 1);
  });
});

async function given(t: TestContext) {
  const server = await startRedis();
  t.after(() => server.stop());
  const sandbox = await createSandbox(t, server.url);
  const { redis, prefix } = sandbox;
  await sandbox.define('Disk', definition('Disk'));
  const deps = await dependenciesOf(sandbox);
  t.after(() => deps.cluster.close());
  const placesTaken = (): Promise<number> => redis.zcard(placesKey(prefix));
  return {
    ...{ sandbox, deps, placesTaken },
    /** Another worker corrects the places, and the time for which a lock is trusted passes. */
    async loseAndWait(): Promise<void> {
      await deps.places.reconcile(Date.now() + AHEAD_OF_WATCH + 1000, []);
      assert.equal(await placesTaken(), 0);
      await sleep(LOCK_TRUST + 100);
    },
  };
}
