import { compareEpisodes, troubleOf } from '@openfero/core/identity/trouble';
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
 * Whether a Job is a reason to create none for the remediation: it is for the same or a later episode,
 * it runs, or its cooldown is not over.
 *
 * @param slack milliseconds by which the clocks of Job and remediation may differ
 */
export function covers(
  job: EpisodeJob,
  remediation: Remediation,
  { operarius, slack = 0 }: { readonly operarius: Operarius; readonly slack?: number },
): boolean {
  const { troubleKey, episode } = troubleOf(remediation, operarius);
  const [key, instant = '', count = '0'] = job.dedupKey?.split('/') ?? [];
  if (key !== troubleKey) return false;
  if (compareEpisodes({ instant, count: Number(count) }, episode) >= 0) return true;
  const { cooldown } = operarius.policy;
  return Math.max(job.finishedAt, job.createdAt + cooldown) >= remediation.receivedAt - slack;
}
