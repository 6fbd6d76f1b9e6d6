import type { Alert } from '../alert.ts';
import { millisecondsOf } from '../instant.ts';
import type { Look } from '../redis/memory.ts';

/**
 * Whether a Job was created while an alert fired that has resolved since: of the episode itself, or of an
 * earlier one that covers it, or of another alert where `dedup-by` makes them one trouble.
 *
 * @param look what is remembered of the trouble of the firing alert
 */
export function wasActedOn(
  { startsAt, endsAt }: Pick<Alert, 'startsAt' | 'endsAt'>,
  { memory, creations }: Pick<Look, 'memory' | 'creations'>,
): boolean {
  if (memory?.episode.instant === startsAt) return true;
  const [began, ended] = [millisecondsOf(startsAt), millisecondsOf(endsAt)];
  return creations.some((at) => at >= began && at <= ended);
}
