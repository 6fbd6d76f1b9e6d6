import type { JobOfOperarius } from '@openfero/cluster/cluster';
import type { Trouble } from '@openfero/core/identity/trouble';
import type { HeldReason } from '@openfero/core/outcome';
import {
  END_JOB,
  type EndOfJob,
  endJobArguments,
  type JobEndTold,
  readEndJob,
} from '@openfero/core/redis/fates';
import { APPEND_OWN, appendKeys } from '@openfero/core/redis/history';
import {
  CLAIM_LIFE,
  claimKey,
  type Look,
  MEMORY_TTL,
  memoryKey,
  readLook,
} from '@openfero/core/redis/memory';
import {
  COUNT_HELD,
  type HeldCount,
  HOLD,
  heldKeys,
  jobOf,
  NEXT_WAITING,
  operariusOf,
  placeOf,
  placesKey,
  placesOfKey,
  RELEASE_PLACE,
  readHeldCounts,
  TAKE_PLACE,
  waitingKey,
  waitingOfKey,
} from '@openfero/core/redis/places';
import type { Remediation } from '@openfero/core/redis/remediation';
import { stateKey } from '@openfero/core/redis/states';
import { stoppedKey } from '@openfero/core/redis/verdicts';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';
import type { Queue } from 'bullmq';

/** Who is about to create which Job, and under which limits (0 = none). */
export interface PlaceRequest extends Trouble {
  readonly job: string;
  readonly operarius: string;
  readonly maxActive: number;
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

/** A remediation that is held. */
export interface Held {
  readonly reason: HeldReason;
  readonly remediation: string;
  readonly operarius: string;
}

/** Who has the places of a limit. */
export interface Holders {
  readonly count: number;
  /** The names of some, the oldest first. */
  readonly jobs: readonly string[];
}

/** The places of unfinished Jobs over all workers, and the claims. Every call throws the Redis client's errors. */
export interface Places {
  /**
   * Takes the Job's place, claims its trouble, and keeps the Job's name in the queue, at the last moment
   * before the create.
   *
   * @returns also what Redis knew at that moment
   */
  take(request: PlaceRequest): Promise<{ readonly taken: Taken; readonly look: Look }>;
  /** Gives the Job's place back, and wakes the remediation that waits for it. */
  release(job: JobOfOperarius): Promise<void>;
  /**
   * The same, and records the fate of a Job that has ended, once over all workers and all calls.
   *
   * @returns whether this call was the one that recorded it, and the row of bad runs that stopped its operarius
   * @throws where Redis did not record it: tell it again
   */
  end(
    job: JobOfOperarius,
    fate: Omit<EndOfJob, 'job' | 'operarius'>,
  ): Promise<Pick<JobEndTold, 'first' | 'row'>>;
  /** Wakes the remediation that waits longest: the one that was called for a place does not need it. */
  passOn(operarius: string): Promise<void>;
  /**
   * Corrects the places from the Jobs that exist: after a crash, a missed end, or a loss of Redis.
   *
   * @param asOf when the cluster said so (ms, Redis' clock); younger places are left alone
   */
  reconcile(asOf: number, unfinished: Iterable<JobOfOperarius>): Promise<void>;
  /**
   * Records that a delayed remediation is held, or wakes it if it has a place.
   *
   * @param span since when it is held, and when it is looked at next (ms)
   * @returns whether it was not recorded before
   */
  hold(held: Held, span: { readonly since: number; readonly until: number }): Promise<boolean>;
  /** Appends to the history why this worker is about to hold a remediation, as encodeEntry writes it. */
  appendHeld(remediation: QueueEntry, entry: string): Promise<void>;
  /** Removes the record of {@link Places.hold}: the remediation is being tried. */
  unhold(held: Held): Promise<void>;
  /** The Jobs that have the places of a limit. */
  holders(reason: HeldReason, operarius: string): Promise<Holders>;
  /** How many are held for each reason. */
  countHeld<R extends HeldReason>(reasons: readonly R[]): Promise<ReadonlyMap<R, HeldCount>>;
}

interface Context {
  readonly redis: RedisConnection;
  readonly prefix: string;
  /** OPENFERO_MAX_ACTIVE_JOBS. */
  readonly maxActiveJobs: number;
  /** OPENFERO_HISTORY_COUNT. */
  readonly historyCount: number;
  readonly queue: Queue;
}

/**
 * Milliseconds by which a place may be ahead of the watch: a create that is under way (bounded by its
 * time limit) and the server's delay in reporting it.
 */
const AHEAD_OF_WATCH = 15_000;

/** Jobs that a message names: the oldest are those that hang. */
const NAMED_HOLDERS = 5;

/** Places that one command corrects: other commands get their turn in between. */
const CHUNK = 500;

export function createPlaces(context: Context): Places {
  const { redis, prefix, maxActiveJobs, historyCount, queue } = context;
  const takeScript = script(redis, TAKE_PLACE);
  const releaseScript = script(redis, RELEASE_PLACE);
  const nextWaitingScript = script(redis, NEXT_WAITING);
  const holdScript = script(redis, HOLD);
  const countHeldScript = script(redis, COUNT_HELD);
  const endScript = script(redis, END_JOB);
  const appendOwnScript = script(redis, APPEND_OWN);
  const keys = (operarius: string): string[] => [
    placesKey(prefix),
    placesOfKey(prefix, operarius),
    waitingKey(prefix),
    waitingOfKey(prefix, operarius),
  ];
  /** Skips those that were removed, or are active already. */
  const wake = async (first: unknown, operarius: string): Promise<void> => {
    let next = first;
    while (typeof next === 'string' && next !== '' && !(await promoted(queue, next))) {
      next = await nextWaitingScript(keys(operarius), []);
    }
  };
  const releasePlace = async (operarius: string, place: string): Promise<void> =>
    wake(await releaseScript(keys(operarius), [place]), operarius);
  /** In bulk, since each command waits for its fsync and without limits every unfinished Job is missing. */
  const add = async (missed: readonly string[], asOf: number): Promise<void> => {
    await redis.zadd(placesKey(prefix), ...missed.flatMap((place) => [asOf, place]));
    for (const [operarius, those] of Map.groupBy(missed, operariusOf)) {
      const set = placesOfKey(prefix, operarius);
      await redis.zadd(set, ...those.flatMap((place) => [asOf, place]));
    }
  };
  /** The set in which those wait for a place that are held by a limit. */
  const waitsIn = (reason: HeldReason, operarius: string): string[] => {
    if (reason === 'max-active-jobs') return [waitingKey(prefix)];
    return reason === 'max-active' ? [waitingOfKey(prefix, operarius)] : [];
  };
  return {
    async take(request) {
      const { troubleKey, episode, job, operarius, remediation, entry } = request;
      const answer = await takeScript(
        [
          ...keys(operarius),
          ...[memoryKey(prefix, troubleKey), claimKey(prefix, troubleKey)],
          ...[entry.key, `${entry.key}:lock`, stateKey(prefix, remediation.alert)],
          stoppedKey(prefix),
        ],
        [
          ...[placeOf(operarius, job), maxActiveJobs, request.maxActive],
          ...[remediation.id, remediation.receivedAt],
          ...[episode.instant, episode.count, job],
          ...[request.known, request.abandoned ?? ''],
          ...[entry.token, renamed(remediation, job), CLAIM_LIFE, MEMORY_TTL, operarius],
        ],
      );
      const [got, ...seen] = Array.isArray(answer) ? answer : [];
      const taken = readTaken(got);
      if (taken.kind === 'held') await wake(taken.instead, operarius);
      return { taken, look: readLook(seen) };
    },
    release: ({ name, operarius }) => releasePlace(operarius, placeOf(operarius, name)),
    async end({ name: job, operarius }, fate) {
      const { keys, args } = endJobArguments(prefix, { ...fate, job, operarius }, historyCount);
      const told = readEndJob(await endScript(keys, args));
      await wake(told.next, operarius);
      if (told.refused !== undefined) throw new Error(told.refused);
      return told;
    },
    passOn: async (operarius) => wake(await nextWaitingScript(keys(operarius), []), operarius),
    async reconcile(asOf, jobs) {
      const unfinished = new Set([...jobs].map(({ name, operarius }) => placeOf(operarius, name)));
      const taken = scores(await redis.zrange(placesKey(prefix), '0', '-1', 'WITHSCORES'));
      const missed = [...unfinished].filter((one) => !taken.has(one));
      for (let start = 0; start < missed.length; start += CHUNK) {
        await add(missed.slice(start, start + CHUNK), asOf);
      }
      const known = asOf - AHEAD_OF_WATCH;
      for (const [place, at] of taken) {
        if (at < known && !unfinished.has(place)) await releasePlace(operariusOf(place), place);
      }
    },
    async hold({ reason, remediation, operarius }, { since, until }) {
      const recorded = await holdScript(
        [...heldKeys(prefix, reason), ...waitsIn(reason, operarius)],
        [remediation, until, since],
      );
      if (recorded === 'called') await promoted(queue, remediation);
      return recorded === 'held';
    },
    async appendHeld({ key, token }, entry) {
      const keys = [`${key}:lock`, ...appendKeys(prefix)];
      await appendOwnScript(keys, [token, historyCount, entry]);
    },
    async unhold({ reason, remediation, operarius }) {
      const waiting = [waitingKey(prefix), waitingOfKey(prefix, operarius)];
      const sets = [...heldKeys(prefix, reason), ...waiting];
      await Promise.all(sets.map((set) => redis.zrem(set, remediation)));
    },
    async holders(reason, operarius) {
      if (reason !== 'max-active' && reason !== 'max-active-jobs') return { count: 0, jobs: [] };
      const set = reason === 'max-active' ? placesOfKey(prefix, operarius) : placesKey(prefix);
      const [count, oldest] = await Promise.all([
        redis.zcard(set),
        redis.zrange(set, '0', String(NAMED_HOLDERS - 1)),
      ]);
      return { count, jobs: oldest.map(jobOf) };
    },
    async countHeld(reasons) {
      const keys = reasons.flatMap((reason) => heldKeys(prefix, reason));
      const counts = readHeldCounts(await countHeldScript(keys, []));
      return new Map(reasons.flatMap((reason, index) => pairOf(reason, counts[index])));
    },
  };
}

function pairOf<K, V>(key: K, value: V | undefined): [K, V][] {
  return value === undefined ? [] : [[key, value]];
}

/** Where a payload names a Job already, as an earlier attempt left it, the script takes it whole. */
function renamed(remediation: Remediation, job: string): string {
  return remediation.job === undefined ? '' : JSON.stringify({ ...remediation, job });
}

/** Reads what TAKE_PLACE got. @throws where it is nothing */
function readTaken(answer: unknown): Taken & { readonly instead?: unknown } {
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

/** Has a held remediation tried now. @returns false where it is no longer held */
async function promoted(queue: Queue, remediation: string): Promise<boolean> {
  try {
    const job = await queue.getJob(remediation);
    await job?.promote();
    return job !== undefined;
  } catch {
    // Not delayed, or Redis is unreachable: then it is tried when its delay is over.
    return false;
  }
}

/** Members and scores as Redis lists them, in turn. */
function scores(flat: readonly string[]): Map<string, number> {
  const members = flat.filter((_, index) => index % 2 === 0);
  return new Map(members.map((member, index) => [member, Number(flat[2 * index + 1])]));
}
