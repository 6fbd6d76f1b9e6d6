import { CHIPS, type Chip, type Filter, windowOf } from './filter.ts';
import { createContentPredicate, hasChip, isHidden, isWithin } from './predicate.ts';
import type { Row } from './row.ts';
import { compareIds, timeOfId } from './stream-id.ts';

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
 * @param rows newest first, as Fold.rows gives them
 * @throws {InvalidMatchers}
 */
export function query(rows: Iterable<Row>, options: QueryOptions): Answer {
  const { filter, after, limit } = options;
  const counts = {
    total: 0,
    hidden: 0,
    chips: { 'job-failed': 0, failed: 0, expired: 0, held: 0 },
  };
  const page: Row[] = [];
  for (const row of passing(rows, options)) {
    if (!counted(row, filter, counts)) continue;
    const isOnPage = after === undefined || compareIds(row.cursor, after) < 0;
    // One more than the page has: there is a next one.
    if (isOnPage && page.length <= limit) page.push(row);
  }
  const shown = page.slice(0, limit);
  const next = page.length > limit ? shown.at(-1)?.cursor : undefined;
  return { rows: shown, next, ...counts };
}

/** What the filter lets pass apart from its chip and from what it hides. */
function* passing(rows: Iterable<Row>, { filter, now }: QueryOptions): Generator<Row> {
  const { from, to } = windowOf(filter, now);
  const passes = createContentPredicate(filter);
  for (const row of rows) {
    if (timeOfId(row.cursor) < from) return;
    if (isWithin(row, from, to) && passes(row)) yield row;
  }
}

type Counts = { total: number; hidden: number; chips: Record<Chip, number> };

/** Counts a row. @returns whether the filter shows it */
function counted(row: Row, filter: Filter, counts: Counts): boolean {
  const { only } = filter;
  if (isHidden(row, filter)) {
    if (only === undefined) counts.hidden++;
    return false;
  }
  for (const chip of CHIPS) if (hasChip(row, chip)) counts.chips[chip]++;
  if (only !== undefined && !hasChip(row, only)) return false;
  counts.total++;
  return true;
}
