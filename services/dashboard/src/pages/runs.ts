import type { Fate } from '@openfero/core/history/entry';
import { type Handled, isHeld, type Row } from '@openfero/core/history/row';

/** What an operarius did of late, as the history tells. */
export interface Runs {
  /** Jobs created. */
  readonly lastHour: number;
  readonly lastDay: number;
  /** The row whose Job was created last. */
  readonly last: Row | undefined;
  /** How the last Jobs ended, newest first: ten at most, and only those whose end is known. */
  readonly fates: readonly Fate[];
  readonly held: readonly Row[];
  /** Jobs of which no end is known, newest first: they may hold the places. */
  readonly unfinished: readonly Row[];
}

export const NO_RUNS: Runs = {
  lastHour: 0,
  lastDay: 0,
  last: undefined,
  fates: [],
  held: [],
  unfinished: [],
};

const HOUR = 3_600_000;
const TEN = 10;

/** What each operarius did. @param rows newest first */
export function runsOf(rows: Iterable<Row>, now: number): ReadonlyMap<string, Runs> {
  const all = new Map<string, Counting>();
  for (const row of rows) {
    for (const handled of [row.firing, row.resolved]) {
      if (handled === undefined || handled.operarius === '') continue;
      const counting = all.get(handled.operarius) ?? begin();
      all.set(handled.operarius, counting);
      count(counting, row, handled, now);
    }
  }
  return all;
}

interface Counting extends Runs {
  lastHour: number;
  lastDay: number;
  last: Row | undefined;
  readonly fates: Fate[];
  readonly held: Row[];
  readonly unfinished: Row[];
  lastAt: number;
}

const begin = (): Counting => ({ ...NO_RUNS, fates: [], held: [], unfinished: [], lastAt: 0 });

function count(counting: Counting, row: Row, handled: Handled, now: number): void {
  const { end, job } = handled;
  if (isHeld(handled)) counting.held.push(row);
  if (end?.outcome !== 'created') return;
  if (now - end.at <= HOUR) counting.lastHour++;
  if (now - end.at <= 24 * HOUR) counting.lastDay++;
  if (end.at > counting.lastAt) {
    counting.last = row;
    counting.lastAt = end.at;
  }
  const fate = job?.fate?.fate;
  if (fate === undefined) counting.unfinished.push(row);
  else if (counting.fates.length < TEN) counting.fates.push(fate);
}
