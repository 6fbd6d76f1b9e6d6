import { type Benchmark, inRounds, type Run } from '../benchmark.ts';
import { type ClusterBed, withCluster } from '../parts/bed.ts';
import { startStub } from '../parts/child.ts';
import { type System, startOver, startSystem, warmUp } from '../parts/system.ts';
import type { Row } from '../row.ts';
import { type Passage, passage } from './pipeline.ts';
import { drain } from './worker.ts';

/**
 * Two checkouts in turns, on the same control plane and Redis: what a change brings shows in the ratio
 * of neighbouring rounds even where the machine has other things to do.
 *
 * @param folder of the other checkout
 */
export function compareWith(folder: string): Benchmark {
  return {
    name: 'compare',
    title: `this checkout beside ${folder}`,
    run: (run) => withCluster((bed) => measure(run, bed, folder)),
  };
}

/** One checkout: over the API server, and over the stub for the worker's ceiling. */
interface Side {
  readonly real: System;
  readonly ceiling: System;
}

interface Turn {
  readonly tens: Passage;
  readonly ones: Passage;
  readonly ceiling: number;
}

interface Round {
  readonly here: Turn;
  readonly there: Turn;
}

async function measure(run: Run, bed: ClusterBed, folder: string): Promise<Row[]> {
  const here = await startSide(run, bed, {});
  const there = await startSide(run, bed, { folder });
  const rounds = await inRounds(
    run,
    async (number): Promise<Round> => {
      // Who comes first would always meet the colder caches.
      if (number % 2 === 0) {
        const second = await turn(run, bed, there);
        return { here: await turn(run, bed, here), there: second };
      }
      return { here: await turn(run, bed, here), there: await turn(run, bed, there) };
    },
    (round) =>
      `here ${round.here.ones.rate.toFixed(0)} Jobs/s, there ${round.there.ones.rate.toFixed(0)}`,
  );
  return rowsOf(rounds);
}

async function startSide(
  { plan }: Run,
  bed: ClusterBed,
  options: { readonly folder?: string },
): Promise<Side> {
  const real = await startSystem(bed, options);
  const ceiling = await startOver(bed, await startStub(bed), options);
  await warmUp(bed, real, plan.warmUp);
  await warmUp(bed, ceiling, 2 * plan.warmUp);
  return { real, ceiling };
}

async function turn({ plan }: Run, bed: ClusterBed, { real, ceiling }: Side): Promise<Turn> {
  return {
    tens: await passage(bed, real, { count: plan.jobs, size: 10 }),
    ones: await passage(bed, real, { count: plan.jobs, size: 1 }),
    ceiling: await drain(bed, ceiling, plan.remediations),
  };
}

type Read = (turn: Turn) => number;

function rowsOf(rounds: readonly Round[]): Row[] {
  const row = (figure: string, unit: string, read: Read): Row => ({
    ...{ benchmark: 'compare', figure: `there: ${figure}`, unit },
    ...{ lowerIsBetter: unit.startsWith('ms'), rounds: rounds.map(({ there }) => read(there)) },
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
  ];
}
