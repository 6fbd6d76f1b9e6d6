/** For an even number of values, the mean of the middle two. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

/**
 * Where the median of what is measured lies with a confidence of 95 %, by order statistics: whatever the
 * distribution, the number of values below its median is binomial. Undefined for fewer than 6 values,
 * which are too few. Source: Hahn and Meeker, Statistical Intervals, section 5.2.
 */
export function medianInterval(values: readonly number[]): readonly [number, number] | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  // The chance that exactly `rank` values are below the median, and the chance that at most so many are.
  let exactly = 0.5 ** sorted.length;
  let atMost = exactly;
  let rank = 0;
  while (2 * atMost <= 0.05) {
    rank += 1;
    exactly *= (sorted.length - rank + 1) / rank;
    atMost += exactly;
  }
  const [low, high] = [sorted[rank - 1], sorted[sorted.length - rank]];
  return low === undefined || high === undefined ? undefined : [low, high];
}

/** By nearest rank, so always a measured value. @param share in (0, 1] */
function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

/** Percentiles of the durations of requests, in milliseconds. */
export interface Times {
  readonly p50: number;
  readonly p99: number;
}

export function timesOf(times: readonly number[]): Times {
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

export const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);
