import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { SETTLE_EFFECT, settleArguments } from '@openfero/core/redis/effects';
import type { EndedRun } from '@openfero/core/redis/fates';
import type { RunVerdict } from '@openfero/core/redis/verdicts';
import { script } from '@openfero/service/script';
import { createPlaces } from '../../src/redis/places.ts';
import { createSandbox, type Sandbox } from '../worker.ts';

export const OPERARIUS = 'openfero-disk-firing';

/** Redis with what the workers note of runs there. */
export interface Runs {
  readonly sandbox: Sandbox;
  /** A Job ends. @returns as places.end */
  end(run: EndedRun): Promise<{ readonly first: boolean; readonly row: number }>;
  /** Its effect is known. @returns the row that stopped the operarius, or 0 */
  settle(run: RunVerdict): Promise<number>;
}

export async function createRuns(t: TestContext, redisUrl: string): Promise<Runs> {
  const sandbox = await createSandbox(t, redisUrl);
  const { redis, prefix, queue } = sandbox;
  const places = createPlaces({ redis, prefix, queue, maxActiveJobs: 0, historyCount: 100_000 });
  const settleScript = script(redis, SETTLE_EFFECT);
  return {
    sandbox,
    end: (run) =>
      places.end(
        { name: `disk-${run.uid}`, operarius: OPERARIUS },
        { uid: run.uid, isKnown: true, fate: run.verdict, entry: '{}', run },
      ),
    async settle(run) {
      const [member = ''] = (await redis.zrange(`${prefix}:effects`, '0', '-1')).filter((each) =>
        each.includes(`"uid":"${run.uid}"`),
      );
      const settled = { effect: member, field: 'f', count: 100_000, entry: '{}' };
      const { keys, args } = settleArguments(prefix, settled, run);
      const answer = await settleScript(keys, args);
      return Number(Array.isArray(answer) ? answer[1] : 0);
    },
  };
}

/** A run of the operarius, its end in milliseconds. */
export function runOf(endedAt: number, over: Partial<EndedRun> = {}): EndedRun {
  const { uid = randomUUID(), definition = '0123456789' } = over;
  const run = { uid, operarius: OPERARIUS, definition, endedAt };
  const alert = { alertname: 'Disk', fingerprint: '0123456789abcdef', remediation: 'r' };
  const startsAt = '2026-11-22T04:00:00Z';
  return {
    ...{ ...run, verdict: 'bad', stopAfter: 5, stopFor: 3_600_000 },
    effect: { ...run, ...alert, startsAt, job: `disk-${uid}`, within: 60_000 },
    ...over,
  };
}
