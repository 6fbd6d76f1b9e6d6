import { ClusterError, type ExistingJob } from '@openfero/cluster/cluster';
import { jobName, jobPrefix } from '@openfero/core/identity/job-name';
import { dedupKeyText } from '@openfero/core/identity/trouble';
import type { Memory } from '@openfero/core/redis/memory';
import type { Rendered } from '@openfero/core/render';
import { type Attempt, type AttemptResult, end } from './attempt.ts';
import { renderJob } from './render-job.ts';
import { Ended } from './verdict.ts';

/**
 * Names carry 40 bits of hash: two collisions in a row do not happen. The bound keeps a series of
 * foreign Jobs from becoming an endless loop.
 */
const MAX_NAMES = 5;

/** Milliseconds until a remediation without a place is tried again, if no place becomes free before. */
const PLACE_RETRY = 15_000;

/** What became of the Job's name, or of one of its names. */
export type CreateResult =
  /** The API server, or a limit, has answered for this episode. */
  | { readonly kind: 'settled'; readonly result: AttemptResult }
  /** A Job had the name and was deleted before it could be read. */
  | { readonly kind: 'gone' };

type NameResult =
  | CreateResult
  /** A Job of another trouble, or one that OpenFero did not create, has the name. */
  | { readonly kind: 'taken' };

/**
 * Takes a place and creates the Job under the episode's name. The name is the same for every worker
 * and every attempt, so the API server accepts one of them.
 *
 * @param now milliseconds, Redis' clock
 * @throws what verdict.ts decides about
 */
export async function createJob(attempt: Attempt, now: number): Promise<CreateResult> {
  for (let n = 0; n < MAX_NAMES; n++) {
    const named = await createUnderName(attempt, n, now);
    if (named.kind !== 'taken') return named;
  }
  throw allNamesTaken(attempt);
}

/** @param n which of the episode's names */
async function createUnderName(attempt: Attempt, n: number, now: number): Promise<NameResult> {
  // Before a place is taken: a template that cannot be rendered must not keep one.
  const rendered = renderFor(attempt, n);
  const { name } = rendered.job.metadata;
  const held = await takePlace(attempt, name, now);
  if (held !== undefined) return { kind: 'settled', result: held };
  await attempt.delivery.confirmLock();
  const warnings = await submit(attempt, rendered);
  if (warnings !== undefined) {
    return { kind: 'settled', result: await endAsCreated(attempt, name, { now, warnings }) };
  }
  const existing = await attempt.deps.cluster.jobs.get(name);
  if (existing?.dedupKey === dedupKeyText(attempt)) {
    return { kind: 'settled', result: await endWithExisting(attempt, existing) };
  }
  await releasePlace(attempt, name);
  return { kind: existing === undefined ? 'gone' : 'taken' };
}

/** @returns the warnings about the new Job, or undefined where one of that name exists */
async function submit(
  { operarius, deps }: Attempt,
  { job, warnings }: Rendered,
): Promise<readonly string[] | undefined> {
  try {
    return [...warnings, ...(await deps.cluster.jobs.create(job, { dryRun: false }))];
  } catch (error) {
    if (isAlreadyThere(error)) return undefined;
    // A refusal is certain: there is no Job. After any other error there may be one.
    if (error instanceof ClusterError && isRefusal(error.status)) {
      await deps.places.release({ name: job.metadata.name, operarius: operarius.name });
    }
    throw error;
  }
}

function isAlreadyThere(error: unknown): boolean {
  return error instanceof ClusterError && error.reason === 'AlreadyExists';
}

function isRefusal(status: number | undefined): boolean {
  return status !== undefined && status >= 400 && status < 500;
}

async function endAsCreated(
  attempt: Attempt,
  job: string,
  { now, warnings }: { readonly now: number; readonly warnings: readonly string[] },
): Promise<AttemptResult> {
  await attempt.delivery.confirmLock();
  await attempt.deps.memory.remember(attempt.troubleKey, memoryOf(attempt, job, now));
  return end('created', attempt.operarius.name, 'created', { job, warnings });
}

/** Ends a remediation whose episode has a Job: its own, or that of another remediation. */
async function endWithExisting(attempt: Attempt, existing: ExistingJob): Promise<AttemptResult> {
  const { deps, operarius, delivery, troubleKey } = attempt;
  const { name, remediation = '', createdAt, finished } = existing;
  // For another remediation too: its worker may have been killed before it could remember.
  await deps.memory.remember(troubleKey, { ...memoryOf(attempt, name, createdAt), remediation });
  if (finished) await releasePlace(attempt, name);
  return remediation === delivery.remediation.id
    ? end('created', operarius.name, 'an earlier attempt created it', { job: name })
    : end('deduplicated', operarius.name, 'this episode already has a Job', { job: name });
}

/**
 * Reads the Job that an earlier attempt of the same remediation may have created.
 *
 * @returns the end of the remediation if there is one
 */
export async function findOwnJob(attempt: Attempt): Promise<AttemptResult | undefined> {
  for (let n = 0; n < MAX_NAMES; n++) {
    const name = jobName(jobPrefix(attempt.operarius), { ...attempt, n });
    const existing = await attempt.deps.cluster.jobs.get(name);
    if (existing === undefined) {
      // The earlier attempt may have taken a place, and created nothing.
      await releasePlace(attempt, name);
      return undefined;
    }
    if (existing.dedupKey !== dedupKeyText(attempt)) continue;
    const own = existing.remediation === attempt.delivery.remediation.id;
    return own ? endWithExisting(attempt, existing) : undefined;
  }
  return undefined;
}

/** Asks the API server whether it would accept the Job. Leaves nothing: no Job, no place, no memory. */
export async function dryRunJob(attempt: Attempt): Promise<AttemptResult> {
  const { job, warnings } = renderFor(attempt, 0);
  const { name } = job.metadata;
  try {
    const more = await attempt.deps.cluster.jobs.create(job, { dryRun: true });
    return end('dry-run', attempt.operarius.name, `would create Job ${name}`, {
      warnings: [...warnings, ...more],
      manifest: job,
    });
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
    const reason = `would create no Job: ${name} already exists`;
    return end('dry-run', attempt.operarius.name, reason, { warnings, manifest: job });
  }
}

async function takePlace(
  { delivery, deps, operarius }: Attempt,
  job: string,
  now: number,
): Promise<AttemptResult | undefined> {
  const { remediation } = delivery;
  const reason = await deps.places.take({
    job,
    operarius: operarius.name,
    remediation: remediation.id,
    receivedAt: remediation.receivedAt,
    maxActive: operarius.policy.maxActive,
  });
  if (reason === undefined) return undefined;
  return { kind: 'hold', reason, until: now + PLACE_RETRY, remediation };
}

function releasePlace({ deps, operarius }: Attempt, job: string): Promise<void> {
  return deps.places.release({ name: job, operarius: operarius.name });
}

function memoryOf({ episode, delivery }: Attempt, job: string, createdAt: number): Memory {
  return { episode, remediation: delivery.remediation.id, job, createdAt };
}

/** @param n which of the episode's names */
function renderFor(
  { deps, delivery, operarius, troubleKey, episode }: Attempt,
  n: number,
): Rendered {
  const identity = { troubleKey, episode, n };
  const { serviceAccount: ownServiceAccount } = deps.cluster;
  return renderJob(
    { operarius, remediation: delivery.remediation, identity },
    { ...deps.settings, ownServiceAccount },
  );
}

function allNamesTaken({ operarius }: Attempt): Ended {
  return new Ended(
    'rejected',
    `ConfigMap ${operarius.name}: Jobs that OpenFero did not create have all ${MAX_NAMES} names of this episode: give the template another name`,
  );
}
