import { ClusterError, type ExistingJob } from '@openfero/cluster/cluster';
import { jobName, jobPrefix } from '@openfero/core/identity/job-name';
import { dedupKeyText } from '@openfero/core/identity/trouble';
import type { Memory } from '@openfero/core/redis/memory';
import { type Rendered, render } from '@openfero/core/render';
import { type Attempt, end, type Step } from './attempt.ts';
import { Ended } from './verdict.ts';

/**
 * Names carry 40 bits of hash: two collisions in a row do not happen. The bound keeps a wall of
 * foreign Jobs from becoming an endless loop.
 */
const MAX_NAMES = 5;

/** Milliseconds until a remediation without a place is looked at, if nobody calls it before. */
const NEXT_LOOK = 15_000;

/**
 * Takes a place and creates the Job under the episode's name: the same from every worker and every
 * attempt, so that the API server lets one of them through.
 *
 * @param now milliseconds, Redis' clock
 * @returns 'gone' where a Job of that name stood in the way and is gone now
 * @throws what verdict.ts decides about
 */
export async function runJob(attempt: Attempt, now: number): Promise<Step | 'gone'> {
  for (let n = 0; n < MAX_NAMES; n++) {
    const step = await runAs(attempt, n, now);
    if (step !== 'taken') return step;
  }
  throw collisions(attempt);
}

/** @returns 'taken' where another trouble's Job, or nobody's of ours, has the name */
async function runAs(attempt: Attempt, n: number, now: number): Promise<Step | 'gone' | 'taken'> {
  // Before a place is taken: a template that cannot be rendered must not keep one.
  const rendered = renderJob(attempt, n);
  const { name } = rendered.job.metadata;
  const held = await takePlace(attempt, name, now);
  if (held !== undefined) return held;
  await attempt.delivery.confirmLock();
  const existing = await create(attempt, rendered, now);
  if (existing !== 'gone') {
    if ('kind' in existing) return existing;
    if (existing.dedupKey === keyOf(attempt)) return settle(attempt, existing);
  }
  await attempt.deps.places.release({ name, operarius: attempt.operarius.name });
  return existing === 'gone' ? 'gone' : 'taken';
}

/**
 * Reads the Job that an earlier attempt of the same remediation may have left.
 *
 * @returns the end of the remediation if there is one
 */
export async function findOurs(attempt: Attempt): Promise<Step | undefined> {
  for (let n = 0; n < MAX_NAMES; n++) {
    const name = nameOf(attempt, n);
    const existing = await attempt.deps.cluster.jobs.get(name);
    if (existing === undefined) {
      // No Job came of the place that the earlier attempt may have taken.
      await attempt.deps.places.release({ name, operarius: attempt.operarius.name });
      return undefined;
    }
    if (existing.dedupKey !== keyOf(attempt)) continue;
    const ours = existing.remediation === attempt.delivery.remediation.id;
    return ours ? settle(attempt, existing) : undefined;
  }
  return undefined;
}

/** Asks the server what it would say, and leaves nothing behind: no Job, no place, no memory. */
export async function tryJob(attempt: Attempt): Promise<Step> {
  const { job, warnings } = renderJob(attempt, 0);
  const { name } = job.metadata;
  try {
    const more = await attempt.deps.cluster.jobs.create(job, { dryRun: true });
    return end('dry-run', attempt.operarius.name, `would have created Job ${name}`, {
      warnings: [...warnings, ...more],
      manifest: job,
    });
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
    const reason = `would have created no Job: ${name} is there already`;
    return end('dry-run', attempt.operarius.name, reason, { warnings, manifest: job });
  }
}

async function takePlace(attempt: Attempt, job: string, now: number): Promise<Step | undefined> {
  const { delivery, deps, operarius } = attempt;
  const { remediation } = delivery;
  const reason = await deps.places.take({
    job,
    operarius: operarius.name,
    remediation: remediation.id,
    receivedAt: remediation.receivedAt,
    maxActive: operarius.policy.maxActive,
  });
  return reason === undefined
    ? undefined
    : { kind: 'hold', reason, until: now + NEXT_LOOK, remediation };
}

/** @returns the end of the remediation, or the Job that has the name, or 'gone' if it just went */
async function create(
  attempt: Attempt,
  { job, warnings }: Rendered,
  now: number,
): Promise<Step | ExistingJob | 'gone'> {
  const { cluster, places, memories } = attempt.deps;
  const { name } = job.metadata;
  try {
    const more = await cluster.jobs.create(job, { dryRun: false });
    await attempt.delivery.confirmLock();
    await memories.remember(attempt.k, memoryOf(attempt, name, now));
    return end('created', attempt.operarius.name, 'created', {
      job: name,
      warnings: [...warnings, ...more],
    });
  } catch (error) {
    if (isAlreadyThere(error)) {
      return (await cluster.jobs.get(name)) ?? 'gone';
    }
    // Refused for certain: no Job came of it. After anything else one may have.
    if (error instanceof ClusterError && isRefusal(error.status)) {
      await places.release({ name, operarius: attempt.operarius.name });
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

/** Ends a remediation whose episode has a Job: its own, or that of another one. */
async function settle(attempt: Attempt, existing: ExistingJob): Promise<Step> {
  const { deps, operarius, delivery, k } = attempt;
  const { name, remediation = '', createdAt, finished } = existing;
  // On the other's behalf too: it may have been killed before it could remember.
  await deps.memories.remember(k, { ...memoryOf(attempt, name, createdAt), remediation });
  if (finished) await deps.places.release({ name, operarius: operarius.name });
  return remediation === delivery.remediation.id
    ? end('created', operarius.name, 'an earlier attempt created it', { job: name })
    : end('deduplicated', operarius.name, 'this episode has its Job already', { job: name });
}

function memoryOf({ episode, delivery }: Attempt, job: string, createdAt: number): Memory {
  return { episode, remediation: delivery.remediation.id, job, createdAt };
}

function nameOf({ operarius, k, episode }: Attempt, n: number): string {
  return jobName(jobPrefix(operarius), { k, episode, n });
}

function keyOf({ k, episode }: Attempt): string {
  return dedupKeyText({ k, episode });
}

function renderJob(attempt: Attempt, n: number): Rendered {
  const { deps, delivery, operarius, k, episode } = attempt;
  const { jobNamespace, jobTtl, jobDeadline } = deps.settings;
  const { serviceAccount } = deps.cluster;
  return render({
    operarius,
    remediation: delivery.remediation,
    identity: { k, episode, n },
    namespace: jobNamespace,
    ttlSeconds: jobTtl,
    deadlineSeconds: jobDeadline,
    ...(serviceAccount !== undefined && { ownServiceAccount: serviceAccount }),
  });
}

function collisions({ operarius }: Attempt): Ended {
  return new Ended(
    'rejected',
    `ConfigMap ${operarius.name}: Jobs that OpenFero did not make have all ${MAX_NAMES} names of this episode: give the template another name`,
  );
}
