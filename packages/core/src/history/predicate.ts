import { type Matcher, matchesAll, parseMatchers } from '../matchers/matchers.ts';
import { type Filter, windowOf } from './filter.ts';
import { hasChip, isUnwanted, isUnwantedRow, type Marked } from './marks.ts';
import type { Handled, Row } from './row.ts';
import { createSearch } from './search.ts';
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
  const isThen = createTimePredicate(filter, now);
  const passes = createContentPredicate(filter);
  return (row) =>
    isThen(row) &&
    passes(row) &&
    !isHidden(row, filter) &&
    (only === undefined || hasChip(row, only));
}

/**
 * Whether all that happened about a row was before or after the time of a filter. What is neither was
 * going on then: a fire at 3 is found at 3, also if it burnt until 5.
 */
function createTimePredicate(filter: Filter, now: number): Predicate {
  const first = firstCursor(filter, now);
  const isAfter = createAfter(filter, now);
  return (row) => compareIds(row.cursor, first) >= 0 && !isAfter(row);
}

/** All rows with an older cursor are from before the time of a filter. */
export const firstCursor = (filter: Filter, now: number): string =>
  `${Math.max(0, Math.ceil(windowOf(filter, now).from))}-0`;

/** Whether all that happened about a row was after the time of a filter. */
export function createAfter(filter: Filter, now: number): Predicate {
  const { to } = windowOf(filter, now);
  return to === Number.POSITIVE_INFINITY ? () => false : ({ since }) => since > to;
}

/** The part of a filter that is about what the row says: neither time nor chip nor what is hidden. */
export function createContentPredicate(filter: Filter): Predicate {
  const parts = [
    matchersOf(filter),
    createSearch(filter.text),
    ofHandled(filter.outcomes, ({ end }) => end?.outcome),
    ofHandled(filter.operarii, ({ operarius }) => operarius),
    ofHandled(filter.fates, ({ job }) => job && (job.fate?.fate ?? 'none')),
  ].filter((part) => part !== undefined);
  return (row) => parts.every((part) => part(row));
}

/** Whether that part lets pass each row. */
export function isAboutAny({ text, match, outcomes, operarii, fates }: Filter): boolean {
  const lists = [outcomes, operarii, fates];
  return (text + match).trim() === '' && lists.every(({ length }) => length === 0);
}

/** Nobody wanted it remediated, and the filter asks neither for all, nor for an outcome, nor for words. */
export function isHidden(row: Marked, { all, outcomes, text }: Filter): boolean {
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
