import type { ExistingJob } from '@openfero/cluster/cluster';
import { jobName, jobPrefix } from '@openfero/core/identity/job-name';
import { dedupKeyText, readDedupKey } from '@openfero/core/identity/trouble';
import { type Attempt, type AttemptResult, end } from './attempt.ts';
import { placeHolder } from './claim.ts';

/**
 * Names carry 40 bits of hash: two collisions in a row do not happen. The bound keeps a series of
 * foreign Jobs from becoming an endless loop.
 */
export const MAX_NAMES = 5;

/** Ends a remediation whose episode has a Job: its own, or that of another remediation. */
export async function endWithExisting(
  attempt: Attempt,
  existing: ExistingJob,
): Promise<AttemptResult> {
  const { deps, operarius, delivery } = attempt;
  const { name, remediation = '', createdAt, createdBefore, finished } = existing;
  // What it was created for: the definition may say something else by now.
  const { troubleKey, episode } = readDedupKey(existing.dedupKey ?? '') ?? attempt;
  const created = { createdAfter: createdAt, createdAt: createdBefore };
  // For another remediation too: its worker may have been killed before it could remember.
  await deps.memory.remember(troubleKey, { episode, remediation, job: name, ...created });
  if (finished) await deps.places.release(placeHolder(attempt, name));
  return remediation === delivery.remediation.id
    ? end('created', operarius.name, 'an earlier attempt created it', { job: name })
    : end('deduplicated', operarius.name, 'this episode already has a Job', { job: name });
}

/**
 * Reads the Job that an earlier attempt of the same remediation may have created: under the name that
 * it kept, whatever the definition or the settings would make of it now.
 *
 * @returns the end of the remediation if there is one
 */
export async function findOwnJob(attempt: Attempt): Promise<AttemptResult | undefined> {
  const { remediation, entry } = attempt.delivery;
  const { places, cluster } = attempt.deps;
  const kept = await places.keptJob(entry);
  for (const name of kept === undefined ? names(attempt) : [kept]) {
    const existing = await cluster.jobs.get(name);
    if (existing === undefined) return undefined;
    if (existing.remediation === remediation.id) return endWithExisting(attempt, existing);
    if (existing.dedupKey === dedupKeyText(attempt)) return undefined;
  }
  return undefined;
}

/** Where no name was kept: it never came to a create, or was that of a worker before there were any. */
function names(attempt: Attempt): string[] {
  const prefix = jobPrefix(attempt.operarius);
  return Array.from({ length: MAX_NAMES }, (_, n) => jobName(prefix, { ...attempt, n }));
}
