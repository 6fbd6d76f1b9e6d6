import type { Plan } from './plan.ts';
import type { Row } from './row.ts';

/** One benchmark: starts what it needs, stops it, and returns its lines of the table. */
export interface Benchmark {
  readonly name: string;
  /** What it measures. */
  readonly title: string;
  run(run: Run): Promise<readonly Row[]>;
}

/** What the benchmarks of one run share. */
export interface Run {
  readonly plan: Plan;
  /** Prints a line of progress. */
  progress(line: string): void;
  /** Jobs/s of the pipeline with one alert per notification. Half of it is a sustainable rate. */
  peak(): Promise<number>;
  /** Stores the peak for the benchmarks that follow. */
  setPeak(rate: number): void;
}

/** Runs something once per round, and prints the result of each. */
export async function inRounds<T>(
  { plan, progress }: Run,
  round: (number: number) => Promise<T>,
  describe: (result: T) => string,
): Promise<T[]> {
  const results: T[] = [];
  for (let number = 1; number <= plan.rounds; number++) {
    const result = await round(number);
    results.push(result);
    progress(`round ${number} of ${plan.rounds}: ${describe(result)}`);
  }
  return results;
}
