import type { AskedJob } from '@openfero/cluster/cluster';
import { decidedKey } from '@openfero/core/redis/approvals';
import { placeOf, placesKey } from '@openfero/core/redis/places';
import { GIVE_BACK_RELEASED, TAKE_RELEASED } from '@openfero/core/redis/releases';
import { script } from '@openfero/service/script';
import { policyOf } from '../check/policy-of.ts';
import { configMapOf } from '../ends/described-job.ts';
import { limitArguments } from '../redis/take-place.ts';
import type { Approvals } from './approvals.ts';

/** What releasing needs. */
export type Releasing = Pick<Approvals, 'redis' | 'settings'> & {
  readonly cluster: Pick<Approvals['cluster'], 'operarii'>;
};

/** What came of taking. */
export type TakenForRelease =
  /** All of it is taken; `at` says by which call. */
  | { readonly kind: 'free'; readonly at: string }
  /** Nothing is taken: what is in the way, in words. */
  | { readonly kind: 'obstacle'; readonly text: string };

/** What a Job that waited for a person takes as it is released: its place over all, its target and its run. */
export interface Releases {
  /** @param isReleased it is released already: it takes them whatever the limits say */
  take(job: AskedJob, isReleased: boolean): Promise<TakenForRelease>;
  /** It was not released, and waits on. @param at as {@link Releases.take} says */
  giveBack(job: AskedJob, at: string): Promise<void>;
}

export function createReleases({ cluster, redis, settings }: Releasing): Releases {
  const { prefix, policy, maxActiveJobs } = settings;
  const takeScript = script(redis, TAKE_RELEASED);
  const giveBackScript = script(redis, GIVE_BACK_RELEASED);
  const inputFor = ({ uid, operarius, name, target }: AskedJob) => {
    const configMap = configMapOf(operarius, cluster.operarii);
    const maxRuns = (configMap && policyOf(configMap, policy)?.maxRuns) ?? 'none';
    const limits = limitArguments(prefix, settings, { operarius, maxRuns, target });
    const keys = [placesKey(prefix), decidedKey(prefix, uid), ...limits.keys];
    return { keys, place: placeOf(operarius, name), limits: limits.args };
  };
  return {
    async take(job, isReleased) {
      const { keys, place, limits } = inputFor(job);
      const args = [place, maxActiveJobs, isReleased ? '1' : '', ...limits];
      const answer = await takeScript(keys, args);
      const [got, at] = Array.isArray(answer) ? answer : [];
      if (got === 'free') return { kind: 'free', at: String(at) };
      return { kind: 'obstacle', text: wordsOf(got, maxActiveJobs) };
    },
    async giveBack(job, at) {
      const { keys, place } = inputFor(job);
      await giveBackScript(keys, [place, at, job.target ?? '']);
    },
  };
}

function wordsOf(got: unknown, maxActiveJobs: number): string {
  switch (got) {
    case 'target':
      return 'another Job works on the same target';
    case 'target-lost':
      return 'Redis has lost its data, and it is not known yet whether another Job works on the same target';
    case 'max-runs':
      return 'max-runs or OPENFERO_MAX_RUNS is used up: as many Jobs have started';
    default:
      return `OPENFERO_MAX_ACTIVE_JOBS is ${maxActiveJobs}, and as many Jobs run`;
  }
}
