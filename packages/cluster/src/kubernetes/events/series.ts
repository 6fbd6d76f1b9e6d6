import { digest } from '@openfero/core/digest';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { EVENT_TYPES, type EventReason } from '../../cluster.ts';

/** One thing that happened to a ConfigMap. */
export interface Happening {
  readonly object: ConfigMap['metadata'];
  readonly reason: EventReason;
  readonly message: string;
}

/** Everything that one Event of the API server stands for. */
export interface Series extends Happening {
  /** What makes it this one. */
  readonly key: string;
  /** The message of the last of them. */
  readonly message: string;
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly first: number;
  readonly last: number;
}

/** What keeps a flood of alerts from being a flood of Events. Knows no clock and does no I/O. */
export interface Correlator {
  /** Counts it. @returns the series that it belongs to, as it is now */
  observe(happening: Happening, now: number): Series;
  /** The series of that key as it is now, unless it was forgotten. */
  latest(key: string): Series | undefined;
  /** Whether something may be written about its ConfigMap now: takes one of the writes that are left. */
  admit(series: Series, now: number): boolean;
}

/** Similar ones within {@link SIMILAR_WINDOW} from which on they share one Event. */
const MAX_SIMILAR = 10;
/** Milliseconds without a similar one after which they are told apart again. */
const SIMILAR_WINDOW = 10 * 60_000;
const COMBINED = '(combined from similar events): ';

/** Writes about one ConfigMap at once, and milliseconds until there is one more. */
const BURST = 25;
const REFILL = 5 * 60_000;

/** Entries of each memory. A forgotten series begins anew, as another Event. */
const MAX_REMEMBERED = 4096;

/**
 * Counts up what is the same, combines what is similar (all the same but the message), and limits the
 * writes about one ConfigMap.
 *
 * After kubernetes/client-go, tools/record/events_cache.go, with its numbers. Three things differ:
 * warnings have a limit of their own, since a thousand created Jobs must not hide that their operarius
 * has become invalid; once similar ones are combined, no new message gets an Event of its own; and
 * a write is counted when it is made, so that several happenings may go into one.
 *
 * @param limit entries of each memory
 */
export function correlator(limit = MAX_REMEMBERED): Correlator {
  const similar = remembering<{ messages: Set<string>; last: number }>(limit);
  const known = remembering<Series>(limit);
  const buckets = remembering<{ left: number; at: number }>(limit);

  const isOneTooMany = (group: string, message: string, now: number): boolean => {
    const before = similar.get(group);
    const fresh = before === undefined || now - before.last > SIMILAR_WINDOW;
    const messages = fresh ? new Set<string>() : before.messages;
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
      const combined = isOneTooMany(group, message, now);
      const key = combined ? group : digest(group, message);
      const before = known.get(key);
      const series: Series = {
        key,
        object,
        reason,
        message: combined ? COMBINED + message : message,
        count: (before?.count ?? 0) + 1,
        first: before?.first ?? now,
        last: now,
      };
      known.set(key, series);
      return series;
    },
    latest: (key) => known.get(key),
    admit({ object, reason }, now) {
      const key = digest(...identityOf(object), EVENT_TYPES[reason]);
      const { left, at } = buckets.get(key) ?? { left: BURST, at: now };
      const filled = Math.min(BURST, left + Math.max(0, now - at) / REFILL);
      const admitted = filled >= 1;
      buckets.set(key, { left: admitted ? filled - 1 : filled, at: now });
      return admitted;
    },
  };
}

/** A ConfigMap that was deleted and made anew is another one. */
function identityOf({ namespace, name, uid = '' }: ConfigMap['metadata']): string[] {
  return [namespace, name, uid];
}

interface Memory<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
}

/** Forgets what was not asked for the longest: a Map keeps the order of insertion. */
export function remembering<V>(limit: number): Memory<V> {
  const entries = new Map<string, V>();
  const set = (key: string, value: V): void => {
    entries.delete(key);
    entries.set(key, value);
    const [oldest] = entries.keys();
    if (entries.size > limit && oldest !== undefined) entries.delete(oldest);
  };
  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) set(key, value);
      return value;
    },
    set,
  };
}
