import { CHIPS, type Chip, type Filter } from './filter.ts';
import { hasChip } from './marks.ts';
import { createContentPredicate, createTimePredicate, isHidden } from './predicate.ts';
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
 * @param rows newest first, as Fold.rows gives them
 * @throws {InvalidMatchers}
 */
export function query(rows: Iterable<Row>, options: QueryOptions): Answer {
  const { filter, after, limit, now } = options;
  const counts = {
    total: 0,
    hidden: 0,
    chips: { 'job-failed': 0, failed: 0, expired: 0, held: 0 },
  };
  const time = createTimePredicate(filter, now);
  const passes = createContentPredicate(filter);
  const page: Row[] = [];
  for (const row of rows) {
    if (time.isBefore(row)) break;
    if (time.isAfter(row) || !passes(row) || !counted(row, filter, counts)) continue;
    // One more than the page has: there is a next one.
    if (page.length <= limit && isAfter(row, after)) page.push(row);
  }
  const shown = page.slice(0, limit);
  const next = page.length > limit ? shown.at(-1)?.cursor : undefined;
  return { rows: shown, next, ...counts };
}

/** In the order of the list: older. */
const isAfter = ({ cursor }: Row, after: string | undefined): boolean =>
  after === undefined || compareIds(cursor, after) < 0;

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
