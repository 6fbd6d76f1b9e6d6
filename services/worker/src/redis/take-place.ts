import type { Trouble } from '@openfero/core/identity/trouble';
import { CLAIM_LIFE, claimKey, MEMORY_TTL, memoryKey } from '@openfero/core/redis/memory';
import { placeOf } from '@openfero/core/redis/places';
import type { Remediation } from '@openfero/core/redis/remediation';
import { stateKey } from '@openfero/core/redis/states';
import { stoppedKey } from '@openfero/core/redis/verdicts';

/** Who is about to create which Job, and under which limits (0 = none). */
export interface PlaceRequest extends Trouble {
  readonly job: string;
  readonly operarius: string;
  readonly maxActive: number;
  /** Its Job waits for a person, and counts for max-active alone. */
  readonly asks?: boolean;
  readonly remediation: Remediation;
  /** What holds it in the queue: nothing is taken once it is another worker's. */
  readonly entry: QueueEntry;
  /** The remembered Job that was decided on; empty where none is remembered. */
  readonly known: string;
  /** An expired claim whose Job does not exist. */
  readonly abandoned: string | undefined;
}

/** A remediation in BullMQ, locked for one attempt. */
export interface QueueEntry {
  /** The key of its hash. */
  readonly key: string;
  readonly token: string;
}

/** What a request got. */
export type Taken =
  /** All of it. */
  | { readonly kind: 'taken' }
  /** Another Job of the trouble has been remembered since. */
  | { readonly kind: 'changed' }
  /** The remediation is another worker's. */
  | { readonly kind: 'lost' }
  /** Another remediation claimed the trouble and told of no end: its Job may exist, or not. */
  | { readonly kind: 'expired'; readonly claim: string }
  | { readonly kind: 'held'; readonly reason: 'claimed' | 'max-active' | 'max-active-jobs' };

/** KEYS and ARGV of TAKE_PLACE, the former after those of the places. */
export function takeArguments(
  prefix: string,
  maxActiveJobs: number,
  request: PlaceRequest,
): { keys: string[]; args: (string | number)[] } {
  const { troubleKey, episode, job, operarius, remediation, entry } = request;
  return {
    keys: [
      ...[memoryKey(prefix, troubleKey), claimKey(prefix, troubleKey)],
      ...[entry.key, `${entry.key}:lock`, stateKey(prefix, remediation.alert)],
      stoppedKey(prefix),
    ],
    args: [
      ...[placeOf(operarius, job), maxActiveJobs, request.maxActive],
      ...[remediation.id, remediation.receivedAt],
      ...[episode.instant, episode.count, job],
      ...[request.known, request.abandoned ?? ''],
      ...[entry.token, operarius, CLAIM_LIFE, MEMORY_TTL],
      request.asks === true ? '1' : '',
    ],
  };
}

/** Reads what TAKE_PLACE got. @throws where it is nothing */
export function readTaken(answer: unknown): Taken & { readonly instead?: unknown } {
  const [word, detail] = Array.isArray(answer) ? answer : [];
  switch (word) {
    case 'taken':
    case 'changed':
    case 'lost':
      return { kind: word };
    case 'expired':
      return { kind: 'expired', claim: String(detail) };
    case 'claimed':
    case 'max-active':
    case 'max-active-jobs':
      return { kind: 'held', reason: word, instead: detail };
    default:
      throw new Error('the script that takes places answered nonsense');
  }
}
