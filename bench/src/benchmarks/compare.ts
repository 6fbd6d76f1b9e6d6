import { type Benchmark, inRounds, type Run } from '../benchmark.ts';
import { startStub } from '../parts/child.ts';
import { type System, startSystem, startSystemOn, warmUp } from '../parts/system.ts';
import { type ClusterTestbed, withClusterTestbed } from '../parts/testbed.ts';
import type { Row } from '../row.ts';
import { sum } from '../statistics.ts';
import { type PipelineResult, runPipeline } from './pipeline.ts';
import { drain } from './worker.ts';

/**
 * Two checkouts in turns, on the same control plane and Redis. The ratio of neighbouring rounds shows the
 * effect of a change even if the machine is busy.
 *
 * @param folder of the other checkout
 */
export function compareWith(folder: string): Benchmark {
  return {
    name: 'compare',
    title: `this checkout compared with ${folder}`,
    run: (run) => withClusterTestbed((testbed) => measure(run, testbed, folder)),
  };
}

/**
 * Jobs and remediations in a turn. Few, so that both checkouts meet the same machine: what else it does
 * changes within seconds.
 */
const JOBS = 400;
const CEILING = 2000;

/** One checkout: on the API server, and on the stub for the worker's ceiling. */
interface Side {
  readonly real: System;
  readonly ceiling: System;
}

interface Turn {
  readonly tens: PipelineResult;
  readonly ones: PipelineResult;
}

/** The same of both checkouts. */
interface Pair<T> {
  readonly here: T;
  readonly there: T;
}

async function measure(run: Run, testbed: ClusterTestbed, folder: string): Promise<Row[]> {
  const here = await startSide(run, testbed, {});
  const there = await startSide(run, testbed, { folder });
  const inTurns = <T>(
    turn: (side: Side) => Promise<T>,
    describe: (result: T) => string,
  ): Promise<Pair<T>[]> =>
    inRounds(
      run,
      async (number) => {
        // The first one in a round has colder caches.
        if (number % 2 === 1) return { here: await turn(here), there: await turn(there) };
        const second = await turn(there);
        return { here: await turn(here), there: second };
      },
      (pair) => `here ${describe(pair.here)}, there ${describe(pair.there)}`,
    );
  const rounds = await inTurns(
    ({ real }) => pipelineTurn(testbed, real),
    ({ ones }) => `${ones.rate.toFixed(0)} Jobs/s`,
  );
  const ceilings = await inTurns(
    ({ ceiling }) => drain(testbed, ceiling, CEILING),
    (rate) => `${rate.toFixed(0)} remediations/s`,
  );
  return [...rowsOf(rounds), rowOf('worker against the stub', 'remediations/s', ceilings)];
}

async function startSide(
  { plan }: Run,
  testbed: ClusterTestbed,
  options: { readonly folder?: string },
): Promise<Side> {
  const real = await startSystem(testbed, options);
  const ceiling = await startSystemOn(testbed, await startStub(testbed), options);
  await warmUp(testbed, real, plan.warmUp);
  await warmUp(testbed, ceiling, 2 * plan.warmUp);
  return { real, ceiling };
}

async function pipelineTurn(testbed: ClusterTestbed, real: System): Promise<Turn> {
  return {
    tens: await runPipeline(testbed, real, { count: JOBS, size: 10 }),
    ones: await runPipeline(testbed, real, { count: JOBS, size: 1 }),
  };
}

function rowOf(figure: string, unit: string, rounds: readonly Pair<number>[]): Row {
  return {
    ...{ benchmark: 'compare', figure: `there: ${figure}`, unit },
    ...{ lowerIsBetter: unit.endsWith('/Job'), rounds: rounds.map(({ there }) => there) },
    limit: { of: 'here', rounds: rounds.map(({ here }) => here) },
  };
}

function rowsOf(rounds: readonly Pair<Turn>[]): Row[] {
  const row = (figure: string, unit: string, read: (result: PipelineResult) => number): Row[] =>
    (['tens', 'ones'] as const).map((size) => {
      const title = `${figure}, ${size === 'tens' ? 10 : 1} per notification`;
      const pairs = rounds.map(({ here, there }) => ({
        here: read(here[size]),
        there: read(there[size]),
      }));
      return rowOf(title, unit, pairs);
    });
  const cpu = (name: string): Row[] => row(name, 'ms/Job', (one) => one.cpu[name] ?? Number.NaN);
  return [
    ...row('pipeline', 'Jobs/s', ({ rate }) => rate),
    ...['receiver', 'worker', 'Redis'].flatMap(cpu),
    // What bounds the rate while all cores are busy.
    ...row('all processes', 'ms/Job', (one) => sum(Object.values(one.cpu))),
    ...row('commands of Redis', '/Job', ({ redis }) => redis.commands),
  ];
}
