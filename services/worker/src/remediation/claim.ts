import { dedupKeyText } from '@openfero/core/identity/trouble';
import { type Look, readClaim } from '@openfero/core/redis/memory';
import type { Taken } from '../redis/places.ts';
import { type Attempt, type AttemptResult, holdUntil } from './attempt.ts';
import { LockLost } from './verdict.ts';

/** Milliseconds until a remediation without a place is tried again, if no place becomes free before. */
const PLACE_RETRY = 15_000;

/** Milliseconds until one is tried again whose trouble is claimed: a create takes a few of them. */
const CLAIM_RETRY = 1_000;

export type ClaimResult =
  /** The Job may be created: it is created after `now` (ms, Redis' clock). */
  | { readonly kind: 'claimed'; readonly now: number }
  | { readonly kind: 'settled'; readonly result: AttemptResult }
  /** What was looked at has changed: look again. */
  | { readonly kind: 'outdated' };

/**
 * The last step before a create: claims the trouble, so that no other Job of it is created meanwhile, takes
 * a place, and keeps the Job's name in the queue.
 *
 * @throws {LockLost}
 */
export async function claimJob(attempt: Attempt, job: string, look: Look): Promise<ClaimResult> {
  const taken = await take(attempt, job, look);
  return taken.kind === 'expired'
    ? resultOf(await settleExpired(taken.claim, attempt, job, look), attempt, look)
    : resultOf(taken, attempt, look);
}

function resultOf(taken: Taken, attempt: Attempt, { now }: Look): ClaimResult {
  switch (taken.kind) {
    case 'taken':
      return { kind: 'claimed', now: taken.now };
    case 'lost':
      throw new LockLost();
    case 'changed':
    case 'expired':
      return { kind: 'outdated' };
    case 'held':
      return { kind: 'settled', result: heldFor(taken.reason, attempt, now) };
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
  look: Look,
): Promise<Taken> {
  const { deps, troubleKey } = attempt;
  const { episode, job: name } = readClaim(claim) ?? {};
  if (episode === undefined || name === undefined) return take(attempt, job, look, claim);
  const existing = await deps.cluster.jobs.get(name);
  if (existing?.dedupKey !== dedupKeyText({ troubleKey, episode })) {
    return take(attempt, job, look, claim);
  }
  const { remediation = '', createdAt: createdAfter, createdBefore: createdAt } = existing;
  const memory = { episode, remediation, job: name, createdAfter, createdAt };
  await deps.memory.remember(troubleKey, memory);
  return { kind: 'changed' };
}

function take(
  { delivery, deps, operarius, troubleKey, episode }: Attempt,
  job: string,
  { memory }: Look,
  abandoned?: string,
): Promise<Taken> {
  const { entry, remediation } = delivery;
  return deps.places.take({
    ...{ troubleKey, episode, job, entry, abandoned },
    operarius: operarius.name,
    maxActive: operarius.policy.maxActive,
    remediation: { ...remediation, job },
    known: memory?.job,
  });
}
