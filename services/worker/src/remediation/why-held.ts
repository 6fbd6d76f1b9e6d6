import type { Alert } from '@openfero/core/alert';
import { targetOf } from '@openfero/core/identity/target';
import type { Operarius } from '@openfero/core/operarius';
import type { Policy } from '@openfero/core/operarius/policy';
import { repeatsText } from '@openfero/core/operarius/policy-texts';

import type { HeldReason } from '@openfero/core/outcome';
import { jobOf, operariusOf } from '@openfero/core/redis/places';
import type { TargetHolder } from '@openfero/core/redis/targets';
import type { WorkerSettings } from '../settings.ts';
import type { Dependencies } from './attempt.ts';

/**
 * Tells people which limit holds a remediation, and which Jobs have its places.
 *
 * @returns undefined where it waits for nothing that people set
 */
export async function whyHeld(
  reason: HeldReason,
  { operarius, alert }: { readonly operarius: Operarius; readonly alert: Alert },
  { places, settings }: Pick<Dependencies, 'places' | 'settings'>,
): Promise<string | undefined> {
  const { name, policy } = operarius;
  if (reason === 'max-active') {
    const limit = `max-active of ConfigMap ${name} is ${policy.maxActive}`;
    return `${limit}: ${nameHolders(await places.holders(reason, name))}`;
  }
  if (reason === 'max-active-jobs') {
    const limit = `OPENFERO_MAX_ACTIVE_JOBS is ${settings.maxActiveJobs}`;
    return `${limit}: ${nameHolders(await places.holders(reason, name))}`;
  }
  if (reason === 'max-runs') return whyNotMore(name, policy, settings);
  const target = reason === 'target' ? targetOf(alert, policy) : undefined;
  if (target !== undefined) {
    const holder = await places.holderOf(target.digest);
    return `target ${target.text} of ConfigMap ${name}: ${nameHolder(holder)}`;
  }
  if (reason !== 'cooldown') return undefined;
  return `the cooldown of ConfigMap ${name} after the latest Job of this problem is not over`;
}

/** Either may be the one that is used up. */
function whyNotMore(
  name: string,
  { maxRuns }: Policy,
  { maxRuns: ofAll }: Pick<WorkerSettings, 'maxRuns'>,
): string {
  const limits = [
    ...(maxRuns === 'none' ? [] : [`max-runs of ConfigMap ${name} is ${repeatsText(maxRuns)}`]),
    ...(ofAll === 'none' ? [] : [`OPENFERO_MAX_RUNS is ${repeatsText(ofAll)}`]),
  ];
  return `${limits.join(', ')}: so many Jobs were started in that time`;
}

function nameHolder(holder: TargetHolder): string {
  switch (holder.kind) {
    case 'place':
      return `Job ${jobOf(holder.place)} of ${operariusOf(holder.place)} works on it`;
    case 'free':
      return 'it has just become free';
    case 'unknown':
      return 'Redis has lost which Jobs work on it, and the Jobs that exist are being read';
  }
}

function nameHolders({
  count,
  jobs,
}: {
  readonly count: number;
  readonly jobs: readonly string[];
}): string {
  if (count === 0) return 'its places have just become free';
  const more = count > jobs.length ? ` and ${count - jobs.length} more` : '';
  return `unfinished ${count === 1 ? 'Job' : 'Jobs'} ${jobs.join(', ')}${more}`;
}
