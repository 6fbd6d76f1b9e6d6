import type { Plan } from './plan.ts';
import type { Row } from './row.ts';

/** One benchmark: it starts what it needs, ends it, and gives its lines of the table. */
export interface Benchmark {
  readonly name: string;
  /** What it measures, for people. */
  readonly title: string;
  run(run: Run): Promise<readonly Row[]>;
}

/** What all benchmarks of one run share. */
export interface Run {
  readonly plan: Plan;
  /** Progress, one line. */
  tell(line: string): void;
  /** Jobs/s of the pipeline with one alert per notification: half of it is a steady rate. */
  peak(): Promise<number>;
  /** Known from here on. */
  setPeak(rate: number): void;
}

/** Does something once per round, and tells which. */
export async function inRounds<T>(
  { plan, tell }: Run,
  round: (number: number) => Promise<T>,
  describe: (result: T) => string,
): Promise<T[]> {
  const results: T[] = [];
  for (let number = 1; number <= plan.rounds; number++) {
    const result = await round(number);
    results.push(result);
    tell(`round ${number} of ${plan.rounds}: ${describe(result)}`);
  }
  return results;
}
