import { median, medianInterval } from './statistics.ts';

/** One line of the table: a figure and its limit, measured in the same rounds. */
export interface Row {
  readonly benchmark: string;
  readonly figure: string;
  readonly unit: string;
  /** By default, higher is better. */
  readonly lowerIsBetter?: boolean;
  readonly rounds: readonly number[];
  readonly limit?: Limit;
  readonly goal?: Goal;
  /** A remark on how it was measured. */
  readonly note?: string;
}

export interface Limit {
  /** The program that does the same work with the least effort. */
  readonly of: string;
  readonly rounds: readonly number[];
}

/** What a figure should reach. */
export interface Goal {
  readonly text: string;
  readonly met: (figure: Figure) => boolean;
}

export interface Figure {
  readonly value: number;
  /** NaN if there is no limit. */
  readonly limit: number;
  /** Figure to limit: the median of the rounds' ratios, since conditions change between rounds. */
  readonly ratio: number;
  /** Where the ratio lies with a confidence of 95 %, if at least 6 rounds have both. */
  readonly interval?: readonly [number, number] | undefined;
}

export function figureOf({ rounds, limit }: Row): Figure {
  const value = median(rounds);
  if (limit === undefined) return { value, limit: Number.NaN, ratio: Number.NaN };
  const bound = median(limit.rounds);
  if (limit.rounds.length !== rounds.length) return { value, limit: bound, ratio: value / bound };
  const ratios = rounds.map((round, index) => round / (limit.rounds[index] ?? Number.NaN));
  return { value, limit: bound, ratio: median(ratios), interval: medianInterval(ratios) };
}

/** Undefined if the row has no goal. */
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
