import { tooLate } from '@openfero/core/decisions/timeliness';
import { messageOf } from '@openfero/core/errors';
import { troubleOf } from '@openfero/core/identity/trouble';
import type { Operarius } from '@openfero/core/operarius';
import type { Look } from '@openfero/core/redis/memory';
import type { Remediation } from '@openfero/core/redis/remediation';
import { type Attempt, type Delivery, type Dependencies, end, type Step } from './attempt.ts';
import { findOurs, tryJob } from './create-job.ts';
import { createJob } from './deduplicate.ts';
import { Ended, NotNow } from './verdict.ts';

/**
 * The way of one remediation through one attempt. The order of the steps is contract: first what is
 * wrong, then what already happened, what is not wanted, what is too late, and only then what the
 * memory and the limits say.
 *
 * @throws what verdict.ts decides about
 */
export async function remediate(delivery: Delivery, deps: Dependencies): Promise<Step> {
  const blocked = deps.cluster.blocked();
  if (blocked !== undefined) throw new NotNow(blocked);
  const { remediation } = delivery;
  const found = deps.registry.find(remediation.alert);
  if (found.operarius === undefined) return end('no-operarius', '', found.reason);
  const { operarius } = found;
  const attempt: Attempt = { delivery, deps, operarius, ...troubleOf(remediation, operarius) };
  const ours = delivery.again ? await earlierJob(attempt) : undefined;
  if (ours !== undefined) return ours;
  const unwanted = whyUnwanted(remediation, operarius, deps);
  if (unwanted !== undefined) return unwanted;
  const look = await deps.memories.look(attempt.k, remediation.alert);
  const late = await outOfTime(attempt, look);
  if (late !== undefined) return late;
  return deps.registry.modeOf(operarius) === 'dry-run' ? tryJob(attempt) : createJob(attempt, look);
}

/**
 * The Job that an earlier attempt may have left. Where it can never be read, because it is forbidden
 * say, nothing else would be looked at, max-age neither: at twice that age it ends all the same.
 */
async function earlierJob(attempt: Attempt): Promise<Step | undefined> {
  try {
    return await findOurs(attempt);
  } catch (error) {
    const { delivery, operarius, deps, k } = attempt;
    const { remediation } = delivery;
    const { state, now } = await deps.memories.look(k, remediation.alert);
    const policy = { ...operarius.policy, maxAge: 2 * operarius.policy.maxAge };
    const late = tooLate(remediation, policy, state, now);
    if (late?.outcome !== 'expired') throw error;
    const message = messageOf(error);
    throw new Ended('expired', `it may have a Job, but none can be read; last error: ${message}`);
  }
}

/** Ends what nobody wants to run: switched off, about a Job of ours, or not matched. */
function whyUnwanted(
  { alert }: Remediation,
  operarius: Operarius,
  { settings, registry }: Dependencies,
): Step | undefined {
  const { name, policy } = operarius;
  if (registry.modeOf(operarius) === 'off') return end('off', name, registry.whyOff(operarius));
  if (!policy.ownJobs) {
    const job = registry.ownJobOf(alert, settings.jobNamespace);
    if (job !== undefined) return end('own-job', name, `the alert is about our own Job ${job}`);
  }
  const mismatch = registry.mismatch(operarius, alert);
  return mismatch === undefined ? undefined : end('not-matched', name, mismatch);
}

/**
 * Ends what comes too late. Before it does, it lets go of its occurrence and looks once more: an
 * alert that fires again in between must start a remediation, not be absorbed by one that gives up.
 */
async function outOfTime(attempt: Attempt, look: Look): Promise<Step | undefined> {
  const { delivery, operarius, deps } = attempt;
  const { remediation } = delivery;
  const { policy, name } = operarius;
  if (tooLate(remediation, policy, look.state, look.now) === undefined) return undefined;
  await delivery.freeOccurrence();
  const state = await deps.memories.state(remediation.alert);
  const late = tooLate(remediation, policy, state, look.now);
  if (late === undefined) return undefined;
  if (late.outcome === 'superseded') return end('superseded', name, late.reason);
  const last = delivery.lastError === undefined ? '' : `; last error: ${delivery.lastError}`;
  throw new Ended('expired', late.reason + last);
}
