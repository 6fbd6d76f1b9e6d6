import { beganAt, readDedupKey, troubleOf } from '@openfero/core/identity/trouble';
import type { Operarius } from '@openfero/core/operarius';
import type { Remediation } from '@openfero/core/redis/remediation';

/** A Job that was created, with its times in milliseconds. */
export interface EpisodeJob {
  /** Its annotation openfero.io/dedup-key. */
  readonly dedupKey: string | undefined;
  readonly createdAt: number;
  /** Infinity while it runs. */
  readonly finishedAt: number;
}

/**
 * Whether a Job is a reason to create none for the remediation: it is for the same episode, it was
 * created after the episode began, it still ran when the remediation was received, or, where receipts
 * are counted, its cooldown was not over.
 *
 * @param slack milliseconds by which the clocks of Job and remediation may differ
 */
export function covers(
  job: EpisodeJob,
  remediation: Remediation,
  { operarius, slack = 0 }: { readonly operarius: Operarius; readonly slack?: number },
): boolean {
  const { troubleKey, episode } = troubleOf(remediation, operarius);
  const made = readDedupKey(job.dedupKey ?? '');
  if (made?.troubleKey !== troubleKey) return false;
  if (made.episode.instant === episode.instant) return true;
  const { dedupBy, cooldown } = operarius.policy;
  if (beganAt(remediation, dedupBy) <= job.createdAt + slack) return true;
  const rest = dedupBy === 'alert' ? 0 : cooldown;
  return Math.max(job.finishedAt, job.createdAt + rest) >= remediation.receivedAt - slack;
}

/**
 * The Jobs of one trouble that were created closer to each other than the cooldown.
 *
 * @param cooldown milliseconds, for a Job
 * @returns each pair in words
 */
export function closerThanCooldown<T extends Pick<EpisodeJob, 'dedupKey' | 'createdAt'>>(
  jobs: readonly T[],
  cooldown: (job: T) => number,
): string[] {
  const ofOne = Map.groupBy(jobs, ({ dedupKey }) => readDedupKey(dedupKey ?? '')?.troubleKey);
  return [...ofOne.values()].flatMap((all) => {
    const inOrder = all.toSorted((a, b) => a.createdAt - b.createdAt);
    return inOrder.slice(1).flatMap((job, i) => {
      const before = inOrder[i] ?? job;
      const apart = job.createdAt - before.createdAt;
      return apart >= cooldown(job)
        ? []
        : [`${apart} ms between the Jobs for ${before.dedupKey} and ${job.dedupKey}`];
    });
  });
}
