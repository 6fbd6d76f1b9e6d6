import type { JobOfOperarius } from '@openfero/cluster/cluster';
import { jobName, jobPrefix } from '@openfero/core/identity/job-name';
import { dedupKeyText } from '@openfero/core/identity/trouble';
import { type Look, readClaim } from '@openfero/core/redis/memory';
import type { PlannedJob, Taken } from '../redis/take-place.ts';
import { type Attempt, type AttemptResult, holdUntil } from './attempt.ts';
import { LockLost } from './verdict.ts';

/** Milliseconds until a remediation without a place is tried again, if no place becomes free before. */
const PLACE_RETRY = 15_000;

/** Milliseconds until one is tried again whose trouble is claimed: a create takes a few of them. */
export const CLAIM_RETRY = 1_000;

/** What Redis knew, and what was taken in the same moment, if anything was asked for. */
export interface Known {
  readonly look: Look;
  readonly first?: { readonly job: string; readonly taken: Taken; readonly askedAt: number };
}

export type ClaimResult =
  /**
   * The Job may be created: it is created after `now` (ms, Redis' clock). Asked for at `askedAt`, by
   * performance.now(): the answer may have been slow.
   */
  | { readonly kind: 'claimed'; readonly now: number; readonly askedAt: number }
  | { readonly kind: 'settled'; readonly result: AttemptResult }
  /** What was looked at has changed: look again. */
  | { readonly kind: 'outdated' };

/** Which of the names of an attempt's episode is the n-th. */
const nameOf = (attempt: Attempt, n: number): string =>
  jobName(jobPrefix(attempt.operarius), { ...attempt, n });

/**
 * Looks at what is known of a trouble, and claims it in the same command if it has no Job yet: most have
 * none. {@link giveBackFirst} if it turns out that none is needed.
 */
export async function lookAndClaim(attempt: Attempt): Promise<Known> {
  const job = nameOf(attempt, 0);
  const { look, ...taken } = await take(attempt, job, '');
  return { look, first: { job, ...taken } };
}

/** Undoes {@link lookAndClaim}. */
export async function giveBackFirst(attempt: Attempt, { first }: Known): Promise<void> {
  if (first?.taken.kind === 'taken') await giveBack(attempt, first.job);
  if (first?.taken.kind !== 'held' || first.taken.reason === 'claimed') return;
  const { delivery, deps, operarius } = attempt;
  const { reason } = first.taken;
  const remediation = delivery.remediation.id;
  const target = attempt.target?.digest;
  await deps.places.unhold({ reason, remediation, operarius: operarius.name, target });
}

/** A Job of an attempt, as what has a place knows it. */
export function placeHolder({ operarius, target }: Attempt, name: string): JobOfOperarius {
  const place = { name, operarius: operarius.name };
  return target === undefined ? place : { ...place, target: target.digest };
}

/** Nothing was created under that name: others may have its place, and its trouble. */
export function giveBack(attempt: Attempt, job: string): Promise<void> {
  return attempt.deps.places.giveBack(plannedBy(attempt, job));
}

function plannedBy({ delivery, operarius, target, troubleKey }: Attempt, job: string): PlannedJob {
  return {
    ...{ troubleKey, job, operarius: operarius.name, target: target?.digest },
    ...{ entry: delivery.entry, remediation: delivery.remediation },
  };
}

/**
 * The last step before a create: claims the trouble, so that no other Job of it is created meanwhile, takes
 * a place, and keeps the Job's name in the queue.
 *
 * @throws {LockLost}
 */
export async function claimJob(attempt: Attempt, job: string, known: Known): Promise<ClaimResult> {
  const { first, look } = known;
  const isFirst = first?.job === job && first.taken.kind !== 'changed';
  const asked = isFirst ? { ...first, look } : await take(attempt, job, look.known);
  const { taken } = asked;
  return taken.kind === 'expired'
    ? resultOf(await settleExpired(taken.claim, attempt, job, asked), attempt)
    : resultOf(asked, attempt);
}

interface Asked {
  readonly taken: Taken;
  readonly look: Look;
  /** By performance.now(). */
  readonly askedAt: number;
}

function resultOf({ taken, look, askedAt }: Asked, attempt: Attempt): ClaimResult {
  switch (taken.kind) {
    case 'taken':
      return { kind: 'claimed', now: look.now, askedAt };
    case 'lost':
      throw new LockLost();
    case 'changed':
    case 'expired':
      return { kind: 'outdated' };
    case 'held':
      return { kind: 'settled', result: heldFor(taken.reason, attempt, look.now) };
  }
}

function heldFor(
  reason: (Taken & { kind: 'held' })['reason'],
  attempt: Attempt,
  now: number,
): AttemptResult {
  if (reason === 'claimed') return holdUntil(attempt, reason, now + CLAIM_RETRY, now);
  const { remediation } = attempt.delivery;
  return { kind: 'hold', reason, until: now + PLACE_RETRY, remediation };
}

/**
 * A worker claimed the trouble and told of no end: it was killed, perhaps after it had created the Job.
 * Where that exists it is remembered on its behalf; where not, the claim is taken over.
 */
async function settleExpired(
  claim: string,
  attempt: Attempt,
  job: string,
  asked: Asked,
): Promise<Asked> {
  const { deps, troubleKey } = attempt;
  // It was not refused as changed: so this is what was decided on.
  const { known } = asked.look;
  const { episode, job: name } = readClaim(claim) ?? {};
  if (episode === undefined || name === undefined) return take(attempt, job, known, claim);
  const existing = await deps.cluster.jobs.get(name);
  if (existing?.dedupKey !== dedupKeyText({ troubleKey, episode })) {
    return take(attempt, job, known, claim);
  }
  const { remediation = '', createdAt: createdAfter, createdBefore: createdAt } = existing;
  const memory = { episode, remediation, job: name, createdAfter, createdAt };
  await deps.memory.remember(troubleKey, memory);
  return { ...asked, taken: { kind: 'changed' } };
}

/** @param known the remembered Job that was decided on; empty where none is remembered */
async function take(
  attempt: Attempt,
  job: string,
  known: string,
  abandoned?: string,
): Promise<Asked> {
  const { deps, operarius, episode, asks } = attempt;
  const { maxActive, maxRuns } = operarius.policy;
  const limits = { maxActive, maxRuns, asks };
  const request = { ...plannedBy(attempt, job), episode, known, abandoned, ...limits };
  const askedAt = performance.now();
  return { ...(await deps.places.take(request)), askedAt };
}
