import { type Benchmark, inRounds, type Run } from '../benchmark.ts';
import type { Alerts } from '../parts/alerts.ts';
import { type Bed, withBed } from '../parts/bed.ts';
import { forget } from '../parts/bulk.ts';
import { startChild, startStub } from '../parts/child.ts';
import { type System, send, startOver, type Target, warmUp } from '../parts/system.ts';
import { atLeast, atLeastTimes, type Row } from '../row.ts';

/** Remediations that wait, until they are worked off against an API server that answers at once. */
export const worker: Benchmark = {
  name: 'worker',
  title: 'remediations worked off against a stub that answers 201 at once',
  run: (run) => withBed(async (bed) => measure(run, bed, await startStub(bed))),
};

interface Round {
  readonly one: number;
  readonly two: number;
  readonly bareOne: number;
  readonly bareTwo: number;
}

async function measure(run: Run, bed: Bed, target: Target): Promise<Row[]> {
  const rounds = await inRounds(
    run,
    () => round(run, bed, target),
    ({ one, two, bareOne }) =>
      `${one.toFixed(0)}/s with one process, ${two.toFixed(0)}/s with two, empty processor ${bareOne.toFixed(0)}/s`,
  );
  const common = { benchmark: 'worker', unit: 'remediations/s' };
  return [
    {
      ...{ ...common, figure: 'one process', rounds: rounds.map(({ one }) => one) },
      limit: { of: 'empty processor', rounds: rounds.map(({ bareOne }) => bareOne) },
      goal: atLeast(3000),
    },
    {
      ...{ ...common, figure: 'two processes', rounds: rounds.map(({ two }) => two) },
      limit: { of: 'two empty processors', rounds: rounds.map(({ bareTwo }) => bareTwo) },
    },
    {
      ...{ ...common, figure: 'two processes beside one', rounds: rounds.map(({ two }) => two) },
      limit: { of: 'one process', rounds: rounds.map(({ one }) => one) },
      goal: atLeastTimes(1.6),
      note: 'where the cores are there',
    },
  ];
}

async function round(run: Run, bed: Bed, target: Target): Promise<Round> {
  return {
    bareOne: await bare(run, bed, { target, workers: 1 }),
    one: await ours(run, bed, { target, workers: 1 }),
    bareTwo: await bare(run, bed, { target, workers: 2 }),
    two: await ours(run, bed, { target, workers: 2 }),
  };
}

interface Crew {
  readonly target: Target;
  readonly workers: number;
}

async function ours({ plan }: Run, bed: Bed, { target, workers }: Crew): Promise<number> {
  const system = await startOver(bed, target, { workers });
  await warmUp(bed, system, 2 * plan.warmUp);
  const rate = await drain(bed, system, plan.remediations);
  await system.stop();
  await forget(bed, system.prefix);
  return rate;
}

/** The same remediations in the same queue, and no worker of ours. */
async function bare({ plan }: Run, bed: Bed, { target, workers }: Crew): Promise<number> {
  const system = await startOver(bed, target, { workers: 0 });
  const programs = await Promise.all(
    Array.from({ length: workers }, () =>
      startChild(bed, 'empty-worker', bed.redis.url, system.prefix),
    ),
  );
  await warmUp(bed, system, 2 * plan.warmUp);
  const rate = await drain(bed, system, plan.remediations);
  await Promise.all(programs.map((program) => program.stop()));
  await system.stop();
  await forget(bed, system.prefix);
  return rate;
}

/** Works off so many that lead to a Job each. @returns remediations/s */
export function drain(bed: Bed, system: System, count: number): Promise<number> {
  return workOff(system, { lot: `drain-${bed.next()}`, count, operarii: system.operarii });
}

/** Has them all wait, and then lets the workers at them. @returns remediations/s */
export async function workOff(system: System, alerts: Alerts): Promise<number> {
  await system.queue.pause();
  await send(system, alerts, SIZE);
  const started = performance.now();
  await system.queue.resume();
  await system.queue.drained();
  return (alerts.count * 1000) / (performance.now() - started);
}

/** Alerts per notification. */
const SIZE = 100;
