import type { Trouble } from '@openfero/core/identity/trouble';
import type { Policy } from '@openfero/core/operarius/policy';
import { runKeys } from '@openfero/core/redis/limits';
import { CLAIM_LIFE, claimKey, MEMORY_TTL, memoryKey } from '@openfero/core/redis/memory';
import { placeOf } from '@openfero/core/redis/places';
import type { Remediation } from '@openfero/core/redis/remediation';
import { stateKey } from '@openfero/core/redis/states';
import { stoppedKey } from '@openfero/core/redis/stopped';
import { targetsKey, waitingForTargetKey } from '@openfero/core/redis/targets';

/** A Job that is about to be created, and the attempt that does so. */
export interface PlannedJob {
  readonly troubleKey: string;
  readonly job: string;
  readonly operarius: string;
  /** The digest of what the Job works on. */
  readonly target: string | undefined;
  readonly remediation: Remediation;
  /** What holds it in the queue: nothing is taken, or given back, once it is another worker's. */
  readonly entry: QueueEntry;
}

/** Who is about to create which Job, and under which limits (0 = none). */
export interface PlaceRequest extends Trouble, PlannedJob {
  readonly maxActive: number;
  /** Its Job waits for a person, and counts for max-active alone. */
  readonly asks?: boolean;
  readonly maxRuns: Policy['maxRuns'];
  /** The remembered Job that was decided on; empty where none is remembered. */
  readonly known: string;
  /** An expired claim whose Job does not exist. */
  readonly abandoned: string | undefined;
}

/** What is started, as the limits know it that most operarii do not have. */
type Limited = Pick<PlaceRequest, 'operarius' | 'maxRuns' | 'target' | 'asks'>;

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
  | { readonly kind: 'held'; readonly reason: 'claimed' | Limit };

/** What holds a remediation that could be run otherwise. */
export const LIMITS = ['max-runs', 'target', 'max-active', 'max-active-jobs'] as const;
export type Limit = (typeof LIMITS)[number];

/** The limits over all operarii. */
export interface CommonLimits {
  /** OPENFERO_MAX_ACTIVE_JOBS; 0 is no limit. */
  readonly maxActiveJobs: number;
  /** OPENFERO_MAX_RUNS; undefined is no limit. */
  readonly maxRuns?: Policy['maxRuns'];
}

/** KEYS and ARGV of TAKE_PLACE, the former after those of the places. */
export function takeArguments(
  prefix: string,
  limits: CommonLimits,
  request: PlaceRequest,
): { keys: string[]; args: (string | number)[] } {
  const { troubleKey, episode, job, operarius, remediation, entry } = request;
  const more = limitArguments(prefix, limits, request);
  return {
    keys: [
      ...[memoryKey(prefix, troubleKey), claimKey(prefix, troubleKey)],
      ...[entry.key, `${entry.key}:lock`, stateKey(prefix, remediation.alert)],
      stoppedKey(prefix),
      ...more.keys,
    ],
    args: [
      ...[placeOf(operarius, job), limits.maxActiveJobs, request.maxActive],
      ...[remediation.id, remediation.receivedAt],
      ...[episode.instant, episode.count, job],
      ...[request.known, request.abandoned ?? ''],
      ...[entry.token, operarius, CLAIM_LIFE, MEMORY_TTL],
      request.asks === true ? '1' : '',
      ...more.args,
    ],
  };
}

/** KEYS and ARGV of GIVE_BACK, the former after those of the places. */
export function giveBackArguments(
  prefix: string,
  { troubleKey, job, operarius, target = '', remediation, entry }: PlannedJob,
): { keys: string[]; args: string[] } {
  return {
    keys: [
      ...[claimKey(prefix, troubleKey), `${entry.key}:lock`],
      ...runKeys(prefix, operarius),
      ...[targetsKey(prefix), waitingForTargetKey(prefix, target)],
    ],
    args: [placeOf(operarius, job), target, entry.token, remediation.id],
  };
}

/** What limitFunctions take. Nothing where the operarius has none of them, so that they cost nothing. */
export function limitArguments(
  prefix: string,
  { maxRuns: ofAll = 'none' }: CommonLimits,
  { operarius, maxRuns: own, target, asks }: Limited,
): { keys: string[]; args: (string | number)[] } {
  // One that waits for a person must not stop what runs by itself.
  const isFree = ofAll === 'none' && own === 'none' && target === undefined;
  if (isFree || asks === true) return { keys: [], args: [] };
  return {
    keys: [
      ...runKeys(prefix, operarius),
      ...[targetsKey(prefix), waitingForTargetKey(prefix, target ?? '')],
    ],
    args: [target ?? '', ...countedWithin(ofAll), ...countedWithin(own)],
  };
}

const countedWithin = (runs: Policy['maxRuns']): number[] =>
  runs === 'none' ? [0, 0] : [runs.count, runs.within];

/** Reads what TAKE_PLACE got. @throws where it is nothing */
export function readTaken(
  answer: unknown,
): Taken & { readonly instead?: readonly unknown[]; readonly isLost?: boolean } {
  const [word, ...rest] = Array.isArray(answer) ? answer : [];
  switch (word) {
    case 'taken':
    case 'changed':
    case 'lost':
      return { kind: word };
    case 'expired':
      return { kind: 'expired', claim: String(rest[0]) };
    case 'target-lost':
      return { kind: 'held', reason: 'target', instead: rest, isLost: true };
    case 'claimed':
    case 'max-runs':
    case 'target':
    case 'max-active':
    case 'max-active-jobs':
      return { kind: 'held', reason: word, instead: rest };
    default:
      throw new Error('the script that takes places answered nonsense');
  }
}
