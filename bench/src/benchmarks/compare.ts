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

/** One checkout: on the API server, and on the stub for the worker's ceiling. */
interface Side {
  readonly real: System;
  readonly ceiling: System;
}

interface Turn {
  readonly tens: PipelineResult;
  readonly ones: PipelineResult;
  readonly ceiling: number;
}

interface Round {
  readonly here: Turn;
  readonly there: Turn;
}

async function measure(run: Run, testbed: ClusterTestbed, folder: string): Promise<Row[]> {
  const here = await startSide(run, testbed, {});
  const there = await startSide(run, testbed, { folder });
  const rounds = await inRounds(
    run,
    async (number): Promise<Round> => {
      // The first one in a round has colder caches.
      if (number % 2 === 0) {
        const second = await turn(run, testbed, there);
        return { here: await turn(run, testbed, here), there: second };
      }
      return { here: await turn(run, testbed, here), there: await turn(run, testbed, there) };
    },
    (round) =>
      `here ${round.here.ones.rate.toFixed(0)} Jobs/s, there ${round.there.ones.rate.toFixed(0)}`,
  );
  return rowsOf(rounds);
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

async function turn(
  { plan }: Run,
  testbed: ClusterTestbed,
  { real, ceiling }: Side,
): Promise<Turn> {
  return {
    tens: await runPipeline(testbed, real, { count: plan.jobs, size: 10 }),
    ones: await runPipeline(testbed, real, { count: plan.jobs, size: 1 }),
    ceiling: await drain(testbed, ceiling, plan.remediations),
  };
}

type Read = (turn: Turn) => number;

function rowsOf(rounds: readonly Round[]): Row[] {
  const row = (figure: string, unit: string, read: Read): Row => ({
    ...{ benchmark: 'compare', figure: `there: ${figure}`, unit },
    ...{ lowerIsBetter: unit.endsWith('/Job'), rounds: rounds.map(({ there }) => read(there)) },
    limit: { of: 'here', rounds: rounds.map(({ here }) => read(here)) },
  });
  const cpu = (size: 'tens' | 'ones', name: string): Row =>
    row(`${name}, ${size === 'tens' ? 10 : 1} per notification`, 'ms/Job', (one) =>
      Number(one[size].cpu[name]),
    );
  return [
    row('10 per notification', 'Jobs/s', ({ tens }) => tens.rate),
    row('1 per notification', 'Jobs/s', ({ ones }) => ones.rate),
    row('worker against the stub', 'remediations/s', ({ ceiling }) => ceiling),
    ...['receiver', 'worker', 'Redis'].flatMap((name) => [cpu('tens', name), cpu('ones', name)]),
    row('all processes, 10 per notification', 'ms/Job', ({ tens }) => cpuOfAll(tens)),
    row('all processes, 1 per notification', 'ms/Job', ({ ones }) => cpuOfAll(ones)),
    row('commands of Redis, 1 per notification', '/Job', ({ ones }) => ones.redis.commands),
  ];
}

/** With API server, etcd and sender: what bounds the rate while all cores are busy. */
const cpuOfAll = ({ cpu }: PipelineResult): number => sum(Object.values(cpu));
