import type { AskedJob } from '@openfero/cluster/cluster';
import { NEVER, parseInstant } from '@openfero/core/instant';
import type { Decision } from '@openfero/core/redis/approvals';
import { policyOf } from '../check/policy-of.ts';
import { configMapOf } from '../ends/described-job.ts';
import type { Approvals } from './approvals.ts';

/**
 * Whether a question stands no longer although nobody has answered: its time is over, or its alert has ended.
 *
 * @param now milliseconds, Redis' clock
 */
export async function whyOver(
  job: AskedJob,
  { memory, cluster, settings }: Pick<Approvals, 'memory' | 'cluster' | 'settings'>,
  now: number,
): Promise<Decision | undefined> {
  if (job.until <= now) return 'lapsed';
  if (job.status !== 'firing' || runsIfResolved(job, cluster.operarii, settings)) return undefined;
  const { alertname, fingerprint } = job;
  const state = await memory.state({ labels: { alertname }, fingerprint });
  if (state?.status !== 'resolved') return undefined;
  const beganAt = parseInstant(job.startsAt) ?? NEVER;
  // Two sources that disagree: only a resolution that ended after the alert began is one.
  return state.endsAt > beganAt ? 'withdrawn' : undefined;
}

export function runsIfResolved(
  { operarius }: AskedJob,
  operarii: Approvals['cluster']['operarii'],
  { policy }: Pick<Approvals['settings'], 'policy'>,
): boolean {
  const configMap = configMapOf(operarius, operarii);
  return (configMap && policyOf(configMap, policy))?.runIfResolved === true;
}
