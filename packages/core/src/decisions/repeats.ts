import { formatDuration } from '../duration.ts';
import type { Policy } from '../operarius/policy.ts';
import type { Look } from '../redis/memory.ts';

/**
 * Why a trouble gets no further Job: it comes back again and again, and each Job helps for a while at most.
 * A row of Jobs without effect never forms there.
 *
 * @returns undefined where it gets one
 */
export function whyTooOften(
  { creations, now }: Pick<Look, 'creations' | 'now'>,
  { maxRepeats }: Pick<Policy, 'maxRepeats'>,
): string | undefined {
  if (maxRepeats === 'none') return undefined;
  const { count, within } = maxRepeats;
  const recent = creations.filter((at) => at > now - within).length;
  if (recent < count) return undefined;
  const jobs = recent === 1 ? '1 Job' : `${recent} Jobs`;
  return `this problem has had ${jobs} within ${formatDuration(within)}, and is back: max-repeats is ${count}/${formatDuration(within)}`;
}
