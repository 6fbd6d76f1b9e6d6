import type { HeldReason } from '@openfero/core/outcome';
import {
  COUNT_HELD,
  type HeldCount,
  HOLD,
  heldKeys,
  readHeldCounts,
} from '@openfero/core/redis/held';
import { APPEND_OWN, appendKeys } from '@openfero/core/redis/history';
import {
  jobOf,
  placesKey,
  placesOfKey,
  waitingKey,
  waitingOfKey,
} from '@openfero/core/redis/places';
import {
  readHolder,
  type TargetHolder,
  targetsKey,
  waitingForTargetKey,
} from '@openfero/core/redis/targets';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';
import type { QueueEntry } from './take-place.ts';
import type { Waking } from './waking.ts';

/** A remediation that is held. */
export interface Held {
  readonly reason: HeldReason;
  readonly remediation: string;
  readonly operarius: string;
  /** The digest of the target that it waits for, or that its operarius has. */
  readonly target?: string | undefined;
}

/** Who has the places of a limit. */
export interface Holders {
  readonly count: number;
  /** The names of some, the oldest first. */
  readonly jobs: readonly string[];
}

/** The remediations that are held, over all workers. Every call throws the Redis client's errors. */
export interface Holding {
  /**
   * Records that a delayed remediation is held, or wakes it if it has a place.
   *
   * @param span since when it is held, and when it is looked at next (ms)
   * @returns whether it was not recorded before
   */
  hold(held: Held, span: { readonly since: number; readonly until: number }): Promise<boolean>;
  /** Appends to the history why this worker is about to hold a remediation, as encodeEntry writes it. */
  appendHeld(remediation: QueueEntry, entry: string): Promise<void>;
  /** Removes the record of {@link Holding.hold}: the remediation is being tried. */
  unhold(held: Held): Promise<void>;
  /** The Jobs that have the places of a limit. */
  holders(reason: HeldReason, operarius: string): Promise<Holders>;
  /** Which Job works on a target. @param target its digest */
  holderOf(target: string): Promise<TargetHolder>;
  /** How many are held for each reason. */
  countHeld<R extends HeldReason>(reasons: readonly R[]): Promise<ReadonlyMap<R, HeldCount>>;
}

/** Jobs that a message names: the oldest are those that hang. */
const NAMED_HOLDERS = 5;

/** @param historyCount OPENFERO_HISTORY_COUNT */
export function createHolding(
  redis: RedisConnection,
  { prefix, historyCount }: { readonly prefix: string; readonly historyCount: number },
  waking: Waking,
): Holding {
  const holdScript = script(redis, HOLD);
  const countHeldScript = script(redis, COUNT_HELD);
  const appendOwnScript = script(redis, APPEND_OWN);
  /** The set in which those wait for a place that are held by a limit. */
  const waitsIn = ({ reason, operarius, target }: Held): string[] => {
    if (reason === 'max-active-jobs') return [waitingKey(prefix)];
    if (reason === 'target') return waitingFor(target);
    return reason === 'max-active' ? [waitingOfKey(prefix, operarius)] : [];
  };
  const waitingFor = (target: string | undefined): string[] =>
    target === undefined ? [] : [waitingForTargetKey(prefix, target)];
  return {
    async hold(held, { since, until }) {
      const { reason, remediation } = held;
      const recorded = await holdScript(
        [...heldKeys(prefix, reason), ...waitsIn(held)],
        [remediation, until, since],
      );
      if (recorded === 'called') await waking.promote(remediation);
      return recorded === 'held';
    },
    async appendHeld({ key, token }, entry) {
      const keys = [`${key}:lock`, ...appendKeys(prefix)];
      await appendOwnScript(keys, [token, historyCount, entry]);
    },
    async unhold({ reason, remediation, operarius, target }) {
      const waiting = [waitingKey(prefix), waitingOfKey(prefix, operarius)];
      const sets = [...heldKeys(prefix, reason), ...waiting, ...waitingFor(target)];
      await Promise.all(sets.map((set) => redis.zrem(set, remediation)));
    },
    async holders(reason, operarius) {
      if (reason !== 'max-active' && reason !== 'max-active-jobs') return { count: 0, jobs: [] };
      const set = reason === 'max-active' ? placesOfKey(prefix, operarius) : placesKey(prefix);
      const [count, oldest] = await Promise.all([
        redis.zcount(set, 0, '+inf'),
        redis.zrange(set, 0, '+inf', 'BYSCORE', 'LIMIT', 0, NAMED_HOLDERS),
      ]);
      return { count, jobs: oldest.map(jobOf) };
    },
    holderOf: async (target) => readHolder(await redis.hmget(targetsKey(prefix), 'known', target)),
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
