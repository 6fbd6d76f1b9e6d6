import type { Chip, Filter } from './filter.ts';
import type { Fold } from './fold.ts';
import { hasChip, MARKS, type Marked } from './marks.ts';
import { createAfter, createContentPredicate, firstCursor, isHidden } from './predicate.ts';
import type { Row } from './row.ts';
import { compareIds } from './stream-id.ts';

export interface QueryOptions {
  readonly filter: Filter;
  /** Only what is older than this cursor. */
  readonly after: string | undefined;
  /** Rows of one page. */
  readonly limit: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface Answer {
  readonly rows: readonly Row[];
  /** The cursor after which the next page begins; undefined on the last one. */
  readonly next: string | undefined;
  /** Rows that the filter lets pass, on all pages. */
  readonly total: number;
  /** Rows that it would let pass too with `all`. */
  readonly hidden: number;
  /** Rows that each chip would show, whichever is chosen. */
  readonly chips: Readonly<Record<Chip, number>>;
}

/**
 * Answers a page of the list, with exact numbers.
 *
 * @throws {InvalidMatchers}
 */
export function query(fold: Pick<Fold, 'rows'>, options: QueryOptions): Answer {
  const { filter, after, limit, now } = options;
  const isAfter = createAfter(filter, now);
  const passes = createContentPredicate(filter);
  const isOnPage = pageFrom(after);
  // Marks say all that is counted: rows are counted by them, and those that are alike at once.
  const tally = new Uint32Array(MARKS);
  const shows = Array.from(tally, (_none, marks) => isShown({ marks }, filter));
  const page: Row[] = [];
  for (const row of fold.rows(firstCursor(filter, now))) {
    if (isAfter(row) || !passes(row)) continue;
    tally[row.marks] = (tally[row.marks] ?? 0) + 1;
    // One more than the page has: there is a next one.
    if (page.length <= limit && shows[row.marks] && isOnPage(row)) page.push(row);
  }
  const shown = page.slice(0, limit);
  const next = page.length > limit ? shown.at(-1)?.cursor : undefined;
  return { rows: shown, next, ...countsOf(tally, filter) };
}

/** Whether a row is older than the cursor: the first one that is, and all that follow. */
function pageFrom(after: string | undefined): (row: Row) => boolean {
  let isReached = after === undefined;
  return ({ cursor }) => {
    isReached ||= compareIds(cursor, after ?? '') < 0;
    return isReached;
  };
}

const isShown = (row: Marked, filter: Filter): boolean =>
  !isHidden(row, filter) && (filter.only === undefined || hasChip(row, filter.only));

/** @param tally how many rows have each of the marks */
function countsOf(tally: Uint32Array, filter: Filter): Pick<Answer, 'total' | 'hidden' | 'chips'> {
  const sum = (is: (row: Marked) => boolean): number =>
    tally.reduce((all, count, marks) => (is({ marks }) ? all + count : all), 0);
  const ofChip = (chip: Chip): number => sum((row) => !isHidden(row, filter) && hasChip(row, chip));
  return {
    total: sum((row) => isShown(row, filter)),
    hidden: filter.only === undefined ? sum((row) => isHidden(row, filter)) : 0,
    chips: {
      'job-failed': ofChip('job-failed'),
      failed: ofChip('failed'),
      expired: ofChip('expired'),
      held: ofChip('held'),
    },
  };
}
