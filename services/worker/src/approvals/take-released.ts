import type { AskedJob } from '@openfero/cluster/cluster';
import { decidedKey, TAKE_RELEASED } from '@openfero/core/redis/approvals';
import { placeOf, placesKey } from '@openfero/core/redis/places';
import { script } from '@openfero/service/script';
import { policyOf } from '../check/policy-of.ts';
import { configMapOf } from '../ends/described-job.ts';
import { limitArguments } from '../redis/take-place.ts';
import type { Approvals } from './approvals.ts';

/** What releasing needs. */
export type Releasing = Pick<Approvals, 'redis' | 'settings'> & {
  readonly cluster: Pick<Approvals['cluster'], 'operarii'>;
};

/**
 * Takes its place over all, its target and its run for a Job that waited for a person.
 *
 * @param isReleased it is released already: whatever the limits say
 * @returns what is in the way, in words
 */
export type TakeReleased = (job: AskedJob, isReleased: boolean) => Promise<string | undefined>;

export function createTakeReleased({ cluster, redis, settings }: Releasing): TakeReleased {
  const { prefix, policy, maxActiveJobs } = settings;
  const takeScript = script(redis, TAKE_RELEASED);
  return async ({ uid, operarius, name, target }, isReleased) => {
    const configMap = configMapOf(operarius, cluster.operarii);
    const maxRuns = (configMap && policyOf(configMap, policy)?.maxRuns) ?? 'none';
    const limits = limitArguments(prefix, settings, { operarius, maxRuns, target });
    const got = await takeScript(
      [placesKey(prefix), decidedKey(prefix, uid), ...limits.keys],
      [placeOf(operarius, name), maxActiveJobs, isReleased ? '1' : '', ...limits.args],
    );
    return got === 'free' ? undefined : wordsOf(got, maxActiveJobs);
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
