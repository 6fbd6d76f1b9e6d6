import { median } from './statistics.ts';

/** One line of the table: a figure, by round, beside its limit in the same rounds. */
export interface Row {
  readonly benchmark: string;
  readonly figure: string;
  readonly unit: string;
  /** Every other figure is the better the higher it is. */
  readonly lowerIsBetter?: boolean;
  readonly rounds: readonly number[];
  readonly limit?: Limit;
  readonly goal?: Goal;
  /** What is to be known of how it was measured. */
  readonly note?: string;
}

export interface Limit {
  /** What it is: the same work done by the least of programs. */
  readonly of: string;
  readonly rounds: readonly number[];
}

/** What a figure is to reach. */
export interface Goal {
  readonly text: string;
  readonly met: (figure: Figure) => boolean;
}

export interface Figure {
  readonly value: number;
  /** NaN where there is no limit. */
  readonly limit: number;
  /** Of the figure to the limit: median of the rounds' ratios, since both share a round's weather. */
  readonly ratio: number;
}

export function figureOf({ rounds, limit }: Row): Figure {
  const value = median(rounds);
  if (limit === undefined) return { value, limit: Number.NaN, ratio: Number.NaN };
  const paired = limit.rounds.length === rounds.length;
  const ratio = paired
    ? median(rounds.map((round, index) => round / (limit.rounds[index] ?? Number.NaN)))
    : value / median(limit.rounds);
  return { value, limit: median(limit.rounds), ratio };
}

/** Undefined where nothing is to be reached. */
export function isMet(row: Row): boolean | undefined {
  return row.goal?.met(figureOf(row));
}

export const atLeast = (bound: number): Goal => ({
  text: `≥ ${bound}`,
  met: ({ value }) => value >= bound,
});

export const atMost = (bound: number, unit = ''): Goal => ({
  text: `≤ ${bound}${unit}`,
  met: ({ value }) => value <= bound,
});

/** @param share of the limit */
export const atLeastShare = (share: number): Goal => ({
  text: `≥ ${Math.round(share * 100)} %`,
  met: ({ ratio }) => ratio >= share,
});

export const atLeastTimes = (factor: number): Goal => ({
  text: `≥ ${factor} ×`,
  met: ({ ratio }) => ratio >= factor,
});

export const atMostTimes = (factor: number): Goal => ({
  text: `≤ ${factor} ×`,
  met: ({ ratio }) => ratio <= factor,
});

/** @param plus in the figure's unit */
export const atMostTimesPlus = (factor: number, plus: number): Goal => ({
  text: `≤ ${factor} × + ${plus}`,
  met: ({ value, limit }) => value <= factor * limit + plus,
});
