import type { EndedJob } from '@openfero/cluster/cluster';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { definitionDigest } from '@openfero/core/operarius/definition';
import type { Policy } from '@openfero/core/operarius/policy';
import type { EndedRun } from '@openfero/core/redis/fates';
import type { Verdict } from '@openfero/core/redis/verdicts';
import { policyOf } from '../check/policy-of.ts';

/**
 * What the end of a Job says about its operarius; undefined where nothing: a person deleted it, or the
 * operarius has changed since.
 *
 * @param defaults the worker's settings
 */
export function endedRun(
  { name: job, end }: EndedJob,
  configMap: ConfigMap,
  defaults: Policy,
): EndedRun | undefined {
  if (end === undefined || end.fate === 'deleted') return undefined;
  const { uid, definition, endedAt } = end;
  const policy = policyOf(configMap, defaults);
  if (policy === undefined || definition !== definitionDigest(configMap)) return undefined;
  const { name: operarius } = configMap.metadata;
  const run = { uid, operarius, definition, endedAt, ...stopPolicy(policy) };
  const { effectWithin: within } = policy;
  if (end.fate === 'failed') return { ...run, verdict: 'bad' };
  if (within === 'off' || end.status !== 'firing') return { ...run, verdict: 'good' };
  const { alertname, fingerprint, startsAt, remediation } = end;
  const alert = { alertname, fingerprint, startsAt, remediation };
  const effect = { uid, job, operarius, definition, endedAt, within, ...alert };
  return { ...run, verdict: 'pending' satisfies Verdict, effect };
}

/** When runs stop an operarius, and for how long (milliseconds, 0: until it is re-armed). */
export const stopPolicy = ({
  stopAfter,
  stopFor,
}: Policy): { readonly stopAfter: number; readonly stopFor: number } => ({
  stopAfter,
  stopFor: stopFor === 'rearm' ? 0 : stopFor,
});
