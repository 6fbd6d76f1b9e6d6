import { tooLate } from '@openfero/core/decisions/timeliness';
import { whyUnwanted } from '@openfero/core/decisions/wanted';
import { messageOf } from '@openfero/core/errors';
import { targetOf } from '@openfero/core/identity/target';
import { beganAt, troubleOf } from '@openfero/core/identity/trouble';
import type { Operarius } from '@openfero/core/operarius';
import { HELD_REASONS } from '@openfero/core/outcome';
import type { Look } from '@openfero/core/redis/memory';
import type { Remediation } from '@openfero/core/redis/remediation';
import { LIMITS } from '../redis/take-place.ts';
import { whyNothingDone } from './after-firing.ts';
import {
  type Attempt,
  type AttemptResult,
  type Delivery,
  type Dependencies,
  end,
} from './attempt.ts';
import { giveBackFirst, lookAndClaim } from './claim.ts';
import { dryRunJob } from './create-job.ts';
import { deduplicate } from './deduplicate.ts';
import { findOwnJob } from './existing-job.ts';
import { Ended, NotNow } from './verdict.ts';
import { whyHeld } from './why-held.ts';

/**
 * Takes one remediation through one attempt. The order of the steps is contract: first what is
 * wrong, then what already happened, what is not wanted, what is too late, and only then the memory
 * and the limits.
 *
 * @throws what verdict.ts decides about
 */
export async function remediate(delivery: Delivery, deps: Dependencies): Promise<AttemptResult> {
  const blocked = deps.cluster.blocked();
  if (blocked !== undefined) throw new NotNow(blocked);
  const { remediation } = delivery;
  const found = deps.registry.find(remediation.alert);
  if (found.operarius === undefined) return end('no-operarius', '', found.reason);
  const { operarius } = found;
  const attempt: Attempt = {
    ...{ delivery, deps, operarius, ...troubleOf(remediation, operarius) },
    began: beganAt(remediation, operarius.policy.dedupBy),
    asks: deps.registry.modeOf(operarius) === 'approve',
    target: targetOf(remediation.alert, operarius.policy),
  };
  let needsPlace = false;
  try {
    const result = decidedBy(operarius, await decide(attempt));
    needsPlace = isHeldByLimit(result) || isCreated(result);
    return result;
  } finally {
    // It was called for what is free, and leaves it to the next: that one is not called otherwise.
    if (wasCalled(remediation) && !needsPlace) {
      await deps.places.passOn(operarius.name, remediation.held?.target);
    }
  }
}

const decidedBy = ({ definition }: Operarius, attempted: AttemptResult): AttemptResult =>
  attempted.kind === 'end'
    ? { ...attempted, result: { ...attempted.result, definition } }
    : attempted;

/** The steps after the definition is known. */
async function decide(attempt: Attempt): Promise<AttemptResult> {
  const { delivery, deps, operarius } = attempt;
  const { remediation } = delivery;
  const earlier = delivery.again ? await earlierJob(attempt) : undefined;
  if (earlier !== undefined) return earlier;
  const { registry, settings } = deps;
  const { alert } = remediation;
  const { jobNamespace } = settings;
  const unwanted = whyUnwanted({ alert, operarius, registry, jobNamespace });
  if (unwanted !== undefined) return end(unwanted.outcome, operarius.name, unwanted.reason);
  const nothingDone = await whyNothingDone(attempt);
  if (nothingDone !== undefined) return nothingDone;
  if (registry.modeOf(operarius) !== 'dry-run') return decideInTime(attempt);
  const look = await deps.memory.look(attempt.troubleKey, alert, operarius.name);
  return (await outOfTime(attempt, look)) ?? dryRunJob(attempt);
}

/** Most are in time and have no Job yet: one command looks, and takes what the create needs. */
async function decideInTime(attempt: Attempt): Promise<AttemptResult> {
  const known = await lookAndClaim(attempt);
  if (!isLate(attempt, known.look)) return deduplicate(attempt, known);
  await giveBackFirst(attempt, known);
  const late = await outOfTime(attempt, known.look);
  return late ?? deduplicate(attempt, await lookAndClaim(attempt));
}

const isLate = ({ delivery, operarius }: Attempt, { state, now }: Look): boolean =>
  tooLate(delivery.remediation, operarius.policy, state, now) !== undefined;

const OF_A_LIMIT: readonly unknown[] = LIMITS;

/** What waits for its runs is called by nobody. */
const wasCalled = ({ held }: Remediation): boolean =>
  held?.reason !== 'max-runs' && OF_A_LIMIT.includes(held?.reason);

/** Then the script that held it has called others. */
const isHeldByLimit = (result: AttemptResult): boolean =>
  result.kind === 'hold' && OF_A_LIMIT.includes(result.reason);

const isCreated = (result: AttemptResult): boolean =>
  result.kind === 'end' && result.result.outcome === 'created';

/**
 * The Job that an earlier attempt may have created. Where it can never be read, for lack of rights
 * for example, no later step would run, max-age included: at twice that age the remediation ends.
 */
async function earlierJob(attempt: Attempt): Promise<AttemptResult | undefined> {
  try {
    return await findOwnJob(attempt);
  } catch (error) {
    const { delivery, operarius, deps, troubleKey } = attempt;
    const { remediation } = delivery;
    const { state, now } = await deps.memory.look(troubleKey, remediation.alert, operarius.name);
    const policy = { ...operarius.policy, maxAge: 2 * operarius.policy.maxAge };
    const late = tooLate(remediation, policy, state, now);
    if (late?.outcome !== 'expired') throw error;
    const message = messageOf(error);
    throw new Ended(
      'expired',
      `it may have a Job, but Jobs cannot be read; last error: ${message}`,
    );
  }
}

/**
 * Ends what comes too late. Before that it frees its occurrence and reads the state once more: an
 * alert that fires again in between must start a remediation, not be absorbed by one that gives up.
 */
async function outOfTime(attempt: Attempt, look: Look): Promise<AttemptResult | undefined> {
  const { delivery, operarius, deps } = attempt;
  const { remediation } = delivery;
  const { policy, name } = operarius;
  if (tooLate(remediation, policy, look.state, look.now) === undefined) return undefined;
  await delivery.freeOccurrence();
  const state = await deps.memory.state(remediation.alert);
  const late = tooLate(remediation, policy, state, look.now);
  if (late === undefined) return undefined;
  if (late.outcome === 'superseded') return end('superseded', name, late.reason);
  const held = await whatHeld(attempt);
  const last = delivery.lastError === undefined ? '' : `; last error: ${delivery.lastError}`;
  throw new Ended('expired', late.reason + held + last);
}

/** The limit that held a remediation, for the reason why it has expired. */
async function whatHeld({ delivery, operarius, deps }: Attempt): Promise<string> {
  const reason = HELD_REASONS.find((each) => each === delivery.remediation.held?.reason);
  const by =
    reason === undefined
      ? undefined
      : await whyHeld(reason, { operarius, alert: delivery.remediation.alert }, deps);
  return by === undefined ? '' : `; it was held: ${by}`;
}
