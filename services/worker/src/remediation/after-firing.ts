import type { AskedJob } from '@openfero/cluster/cluster';
import { wasActedOn } from '@openfero/core/decisions/after-firing';
import { dedupKeyText, firingTroubleOf, type Trouble } from '@openfero/core/identity/trouble';
import { CLAIM_LIFE, type Look } from '@openfero/core/redis/memory';
import { type Attempt, type AttemptResult, end, holdUntil } from './attempt.ts';
import { CLAIM_RETRY } from './claim.ts';

/**
 * With `only-after-firing`: ends a resolved remediation where no Job was created while its alert fired.
 * There is nothing to undo then.
 *
 * @throws {InvalidOperarius} where that of the firing alert is: nobody knows what it did
 */
export async function whyNothingDone(attempt: Attempt): Promise<AttemptResult | undefined> {
  const { delivery, deps, operarius } = attempt;
  const { alert } = delivery.remediation;
  if (!operarius.policy.onlyAfterFiring || alert.status === 'firing') return undefined;
  const firing = deps.registry.find({ ...alert, status: 'firing' });
  if (firing.operarius === undefined) return nothing(operarius.name, firing.reason);
  const trouble = firingTroubleOf(delivery.remediation, firing.operarius);
  const look = await deps.memory.look(trouble.troubleKey, alert, firing.operarius.name);
  const waiting = waitingJob(look, deps.cluster.jobs);
  if (wasActedOn(alert, waiting === undefined ? look : withoutLatest(look))) return undefined;
  const claimed = await claimedJob(trouble, attempt, look.now);
  if (claimed === 'created') return undefined;
  if (claimed === 'perhaps') {
    return holdUntil(attempt, 'claimed', look.now + CLAIM_RETRY, look.now);
  }
  const { name } = firing.operarius;
  const why =
    waiting === undefined
      ? `ConfigMap ${name} created no Job while this alert fired`
      : `Job ${waiting} of ConfigMap ${name} waits for a person, and has done nothing`;
  return nothing(operarius.name, why);
}

/** The latest Job, if nobody has released it: it does not run any more, since its alert has resolved. */
function waitingJob(
  { memory }: Look,
  jobs: Attempt['deps']['cluster']['jobs'],
): string | undefined {
  const isIt = ({ name, isWaiting }: AskedJob): boolean => isWaiting && name === memory?.job;
  return [...jobs.asked()].find(isIt)?.name;
}

const withoutLatest = ({ memory, creations }: Look): Pick<Look, 'memory' | 'creations'> => ({
  memory: undefined,
  creations: creations.filter((at) => at !== memory?.createdAt),
});

const nothing = (operarius: string, reason: string): AttemptResult =>
  end('not-matched', operarius, `only-after-firing: ${reason}`);

/** Between the create and the memory, only the claim knows the Job. */
async function claimedJob(
  { troubleKey }: Trouble,
  { deps }: Attempt,
  now: number,
): Promise<'created' | 'perhaps' | 'none'> {
  const claim = await deps.memory.claim(troubleKey);
  if (claim === undefined) return 'none';
  const job = await deps.cluster.jobs.get(claim.job);
  if (job?.dedupKey === dedupKeyText({ troubleKey, episode: claim.episode })) return 'created';
  return Math.abs(now - claim.at) < CLAIM_LIFE ? 'perhaps' : 'none';
}
