import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Policy } from '@openfero/core/operarius/policy';
import { remediation, STARTS } from '@openfero/testkit/remediations';
import { createPlaces, type Places } from '../../src/redis/places.ts';
import type { CommonLimits, Limit, PlannedJob } from '../../src/redis/take-place.ts';
import { createSandbox, type Sandbox } from '../worker.ts';

/** Who wants a place, besides the Job. */
interface Wish {
  readonly operarius?: string;
  readonly remediation?: string;
  readonly maxRuns?: Policy['maxRuns'];
  readonly target?: string;
}

export interface GivenPlaces {
  readonly sandbox: Sandbox;
  readonly places: Places;
  /** Takes a place for a Job. @returns why there is none */
  take(job: string, wish?: Wish): Promise<string | undefined>;
  /** Gives back what was taken for a Job that was not created. */
  giveBack(job: string): Promise<void>;
  /** A remediation that is held: delayed, and noted. @returns its id */
  held(reason: Limit, wish?: Wish): Promise<string>;
  /** Those that are no more delayed. */
  called(): Promise<readonly (string | undefined)[]>;
}

/** Places of a prefix of their own, or of another worker's, whose targets are known. */
export async function givenPlaces(
  t: TestContext,
  url: string,
  limits: CommonLimits & { readonly maxActive?: number; readonly onLost?: () => void },
  beside?: GivenPlaces,
): Promise<GivenPlaces> {
  const sandbox = await createSandbox(t, url);
  const { redis } = sandbox;
  const { prefix, queue } = beside?.sandbox ?? sandbox;
  const own = createPlaces({ redis, prefix, historyCount: 1000, queue, ...limits });
  assert.ok(await own.reconcile(Date.now() + 60_000, []));
  let receivedAt = 0;
  const plannedFor = async (
    job: string,
    { operarius = 'op', remediation: id = `of-${job}`, target }: Wish = {},
  ): Promise<PlannedJob> => {
    const wanted = remediation('Disk', { id, receivedAt: ++receivedAt });
    // Each Job is about a trouble of its own.
    const trouble = { troubleKey: job, job, operarius, target };
    return { ...trouble, remediation: wanted, entry: await sandbox.lock(wanted) };
  };
  const take: GivenPlaces['take'] = async (job, wish = {}) => {
    const planned = await plannedFor(job, wish);
    const { taken } = await own.take({
      ...{ ...planned, episode: { instant: STARTS, count: 0 }, known: '', abandoned: undefined },
      ...{ maxActive: limits.maxActive ?? 0, maxRuns: wish.maxRuns ?? 'none' },
    });
    await sandbox.redis.del(`${planned.entry.key}:lock`);
    return taken.kind === 'held' ? taken.reason : undefined;
  };
  return {
    ...{ sandbox, places: own, take },
    giveBack: async (job) => own.giveBack(await plannedFor(job)),
    async held(reason, wish = {}) {
      const { id, ...data } = remediation('Disk');
      assert.equal(await take(`wanted-by-${id}`, { ...wish, remediation: id }), reason);
      await queue.add('remediation', data, { jobId: id, delay: 60_000 });
      const now = Date.now();
      const { operarius = 'op', target } = wish;
      const span = { since: now, until: now + 60_000 };
      await own.hold({ reason, remediation: id, operarius, target }, span);
      return id;
    },
    called: async () => (await queue.getWaiting()).map(({ id }) => id),
  };
}
