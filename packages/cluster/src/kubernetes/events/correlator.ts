import { digest } from '@openfero/core/digest';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { EVENT_TYPES, type EventReason } from '../../cluster.ts';
import { createLru } from './lru.ts';

/** Something that happened to a ConfigMap. */
export interface Observation {
  readonly object: ConfigMap['metadata'];
  readonly reason: EventReason;
  readonly message: string;
}

/** All observations that share one Event of the API server. */
export interface Series extends Observation {
  readonly key: string;
  /** Of the last one. */
  readonly message: string;
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly first: number;
  readonly last: number;
}

/** Keeps a flood of alerts from becoming a flood of Events. Has no clock and does no I/O. */
export interface Correlator {
  /** Counts an observation. @returns its series, as it is now */
  observe(observation: Observation, now: number): Series;
  /** The series as it is now; undefined where the cache has dropped it. */
  latest(key: string): Series | undefined;
  /** Whether an Event may be written now. If so, uses up one of the writes of its ConfigMap. */
  takeWrite(series: Series, now: number): boolean;
}

/** Similar observations within {@link SIMILAR_WINDOW} after which they share one Event. */
const MAX_SIMILAR = 10;
/** Milliseconds without a similar observation after which each has its own Event again. */
const SIMILAR_WINDOW = 10 * 60_000;
const COMBINED = '(combined from similar events): ';

/** Writes per ConfigMap at once, and milliseconds until there is one more. */
const BURST = 25;
const REFILL = 5 * 60_000;

/** Entries of each cache. A series that was dropped starts again, as another Event. */
const CACHE_SIZE = 4096;

/**
 * Counts equal observations, combines similar ones (those that differ only in the message), and
 * limits the writes per ConfigMap.
 *
 * Modelled on kubernetes/client-go, tools/record/events_cache.go, with its numbers. Three things
 * differ: warnings have a limit of their own, so that a thousand created Jobs do not hide that their
 * operarius became invalid; while similar observations are combined, a new message gets no Event of
 * its own; and a write is counted when it is made, so that it may include several observations.
 *
 * @param cacheSize entries of each cache
 */
export function createCorrelator(cacheSize = CACHE_SIZE): Correlator {
  const similar = createLru<{ messages: Set<string>; last: number }>(cacheSize);
  const series = createLru<Series>(cacheSize);
  const buckets = createLru<{ left: number; at: number }>(cacheSize);

  const isOneTooMany = (group: string, message: string, now: number): boolean => {
    const before = similar.get(group);
    const isNew = before === undefined || now - before.last > SIMILAR_WINDOW;
    const messages = isNew ? new Set<string>() : before.messages;
    similar.set(group, { messages, last: now });
    const own = digest(message);
    if (messages.has(own)) return false;
    if (messages.size >= MAX_SIMILAR - 1) return true;
    messages.add(own);
    return false;
  };
  return {
    observe({ object, reason, message }, now) {
      const group = digest(...identityOf(object), reason);
      const isCombined = isOneTooMany(group, message, now);
      const key = isCombined ? group : digest(group, message);
      const before = series.get(key);
      const after: Series = {
        key,
        object,
        reason,
        message: isCombined ? COMBINED + message : message,
        count: (before?.count ?? 0) + 1,
        first: before?.first ?? now,
        last: now,
      };
      series.set(key, after);
      return after;
    },
    latest: (key) => series.get(key),
    takeWrite({ object, reason }, now) {
      const key = digest(...identityOf(object), EVENT_TYPES[reason]);
      const { left, at } = buckets.get(key) ?? { left: BURST, at: now };
      const filled = Math.min(BURST, left + Math.max(0, now - at) / REFILL);
      const isAllowed = filled >= 1;
      buckets.set(key, { left: isAllowed ? filled - 1 : filled, at: now });
      return isAllowed;
    },
  };
}

/** With the uid: a ConfigMap that was deleted and created again is another one. */
function identityOf({ namespace, name, uid = '' }: ConfigMap['metadata']): string[] {
  return [namespace, name, uid];
}
