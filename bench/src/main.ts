import { writeFile } from 'node:fs/promises';
import { messageOf } from '@openfero/core/errors';
import { runOnBundles } from '@openfero/testkit/bundles';
import type { Benchmark, Run } from './benchmark.ts';
import { BENCHMARKS } from './benchmarks/all.ts';
import { compareWith } from './benchmarks/compare.ts';
import { peakRate } from './benchmarks/pipeline.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { FULL, type Plan, QUICK } from './plan.ts';
import { profile } from './profile.ts';
import { writeDocs } from './report/docs.ts';
import { machine } from './report/machine.ts';
import { type Report, toJson } from './report/report.ts';
import { table } from './report/table.ts';
import type { Row } from './row.ts';

/** `npm run bench`: measures each figure and its limit, and prints the table. */
async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(
    args,
    BENCHMARKS.map(({ name }) => name),
  );
  if (options === undefined) {
    process.stdout.write(USAGE);
    return;
  }
  if (options.profile !== undefined) return profile(options.profile, print);
  // Two checkouts are compared by their sources: the other one may not be able to bundle.
  const remove = options.against === undefined ? await runOnBundles() : undefined;
  const report = await measure(options);
  await remove?.();
  print(table(report));
  if (options.json !== undefined) await writeFile(options.json, toJson(report));
  if (options.docs) await writeDocs(report);
}

async function measure(options: Options): Promise<Report> {
  const run = runOf(options);
  const rows: Row[] = [];
  const failures: string[] = [];
  for (const benchmark of chosen(options)) {
    run.progress(`${benchmark.name}: ${benchmark.title}`);
    try {
      rows.push(...(await benchmark.run(withProgressOf(benchmark, run))));
    } catch (error) {
      // The other benchmarks are still useful.
      failures.push(`${benchmark.name}: ${messageOf(error)}`);
      run.progress(`${benchmark.name} failed: ${String(error)}`);
      process.exitCode = 1;
    }
  }
  return { machine: machine(), quick: options.quick, date: new Date(), rows, failures };
}

function chosen({ against, only }: Options): readonly Benchmark[] {
  if (against !== undefined) return [compareWith(against)];
  return BENCHMARKS.filter(({ name }) => only?.includes(name) ?? true);
}

function runOf({ quick, rounds }: Options): Run {
  const started = performance.now();
  let peak: number | undefined;
  const run: Run = {
    plan: planOf(quick, rounds),
    progress(line) {
      const seconds = Math.round((performance.now() - started) / 1000);
      print(`[${String(seconds).padStart(4)} s] ${line}`);
    },
    async peak() {
      peak ??= await peakRate(run);
      return peak;
    },
    setPeak(rate) {
      peak = rate;
    },
  };
  return run;
}

function planOf(quick: boolean, rounds: number | undefined): Plan {
  const plan = quick ? QUICK : FULL;
  return rounds === undefined ? plan : { ...plan, rounds };
}

function withProgressOf({ name }: Benchmark, run: Run): Run {
  return { ...run, progress: (line) => run.progress(`${name}: ${line}`) };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

// One listener per child process, which must not outlive this one: a comparison has a dozen.
process.setMaxListeners(50);
try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`The benchmark failed: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
