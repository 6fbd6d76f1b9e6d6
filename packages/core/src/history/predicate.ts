import type { Texts } from '../alert.ts';
import { type Matcher, matchesAll, parseMatchers } from '../matchers/matchers.ts';
import { type Filter, windowOf } from './filter.ts';
import { hasChip, isUnwanted, isUnwantedRow } from './marks.ts';
import type { Handled, Row } from './row.ts';
import { compareIds } from './stream-id.ts';

type Predicate = (row: Row) => boolean;

/**
 * Whether the list shows a row: the same for a page and for what comes while it is open.
 *
 * @param now milliseconds since 1970
 * @throws {InvalidMatchers}
 */
export function createPredicate(filter: Filter, now: number): Predicate {
  const { only } = filter;
  const time = createTimePredicate(filter, now);
  const passes = createContentPredicate(filter);
  return (row) =>
    !time.isBefore(row) &&
    !time.isAfter(row) &&
    passes(row) &&
    !isHidden(row, filter) &&
    (only === undefined || hasChip(row, only));
}

/**
 * Whether all that happened about a row was before or after the time of a filter. What is neither was
 * going on then: a fire at 3 is found at 3, also if it burnt until 5.
 */
export function createTimePredicate(
  filter: Filter,
  now: number,
): { readonly isBefore: Predicate; readonly isAfter: Predicate } {
  const { from, to } = windowOf(filter, now);
  // Ids are compared as texts: to read the time of each takes longer than the rest of a query.
  const first = `${Math.max(0, Math.ceil(from))}-0`;
  return {
    isBefore: ({ cursor }) => compareIds(cursor, first) < 0,
    isAfter: to === Number.POSITIVE_INFINITY ? () => false : ({ since }) => since > to,
  };
}

/** The part of a filter that is about what the row says: neither time nor chip nor what is hidden. */
export function createContentPredicate(filter: Filter): Predicate {
  const parts = [
    matchersOf(filter),
    textOf(filter),
    ofHandled(filter.outcomes, ({ end }) => end?.outcome),
    ofHandled(filter.operarii, ({ operarius }) => operarius),
    ofHandled(filter.fates, ({ job }) => job && (job.fate?.fate ?? 'none')),
  ].filter((part) => part !== undefined);
  return (row) => parts.every((part) => part(row));
}

/** Nobody wanted it remediated, and the filter asks neither for all, nor for an outcome, nor for words. */
export function isHidden(row: Row, { all, outcomes, text }: Filter): boolean {
  if (all || outcomes.length > 0 || text.trim() !== '') return false;
  return isUnwantedRow(row);
}

function matchersOf({ match }: Filter): Predicate | undefined {
  const matchers = parseMatchers(match).map(remembering);
  return matchers.length === 0 ? undefined : ({ labels }) => matchesAll(matchers, labels);
}

/** RE2 takes a microsecond and more, and most values stand in many rows. */
function remembering(matcher: Matcher): Matcher {
  const known = new Map<string, boolean>();
  const matches = (value: string): boolean => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const now = matcher.matches(value);
    known.set(value, now);
    return now;
  };
  return { ...matcher, matches };
}

/**
 * What became of the row counts. Nearly every resolved notification ends as no-operarius: where the alert
 * fired here too, that says nothing.
 */
function ofHandled<T>(
  wanted: readonly T[],
  of: (handled: Handled) => T | undefined,
): Predicate | undefined {
  if (wanted.length === 0) return undefined;
  const is = (handled: Handled | undefined): boolean => {
    const value = handled && of(handled);
    return value !== undefined && wanted.includes(value);
  };
  return ({ firing, resolved }) =>
    is(firing) || (is(resolved) && (firing === undefined || !isUnwanted(resolved)));
}

function textOf({ text }: Filter): Predicate | undefined {
  const words = text.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return undefined;
  const patterns = words.map((word) => ({ word, pattern: new RegExp(RegExp.escape(word), 'iu') }));
  return (row) => patterns.every(({ word, pattern }) => isIn(row, word, pattern));
}

function isIn(row: Row, word: string, pattern: RegExp): boolean {
  const { labels, alertname, fingerprint, firing, resolved } = row;
  return (
    pattern.test(alertname) ||
    isInValue(labels, pattern) ||
    pattern.test(firing?.job?.name ?? '') ||
    pattern.test(resolved?.job?.name ?? '') ||
    [fingerprint, firing?.id, resolved?.id].includes(word)
  );
}

function isInValue(labels: Texts, pattern: RegExp): boolean {
  // Faster than Object.values, and the labels have no prototype of ours.
  for (const name in labels) {
    if (pattern.test(labels[name] ?? '')) return true;
  }
  return false;
}
