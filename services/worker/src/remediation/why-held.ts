import type { Operarius } from '@openfero/core/operarius';
import type { HeldReason } from '@openfero/core/outcome';
import type { Dependencies } from './attempt.ts';

/**
 * Tells people which limit holds a remediation, and which Jobs have its places.
 *
 * @returns undefined where it waits for nothing that people set
 */
export async function whyHeld(
  reason: HeldReason,
  { name, policy }: Operarius,
  { places, settings }: Pick<Dependencies, 'places' | 'settings'>,
): Promise<string | undefined> {
  if (reason === 'max-active') {
    const limit = `max-active of ConfigMap ${name} is ${policy.maxActive}`;
    return `${limit}: ${nameHolders(await places.holders(reason, name))}`;
  }
  if (reason === 'max-active-jobs') {
    const limit = `OPENFERO_MAX_ACTIVE_JOBS is ${settings.maxActiveJobs}`;
    return `${limit}: ${nameHolders(await places.holders(reason, name))}`;
  }
  if (reason !== 'cooldown') return undefined;
  return `the cooldown of ConfigMap ${name} after the latest Job of this problem is not over`;
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
