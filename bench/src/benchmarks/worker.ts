import { type Benchmark, inRounds, type Run } from '../benchmark.ts';
import type { Alerts } from '../parts/alerts.ts';
import { forget } from '../parts/bulk.ts';
import { startChild, startStub } from '../parts/child.ts';
import { type System, send, startSystemOn, type Target, warmUp } from '../parts/system.ts';
import { type Testbed, withTestbed } from '../parts/testbed.ts';
import { atLeast, atLeastTimes, type Row } from '../row.ts';

/** How fast a worker drains the queue if the API server answers at once. */
export const worker: Benchmark = {
  name: 'worker',
  title: 'remediations/s of a worker against a stub API server that answers 201 at once',
  run: (run) => withTestbed(async (testbed) => measure(run, testbed, await startStub(testbed))),
};

interface Round {
  readonly one: number;
  readonly two: number;
  readonly bareOne: number;
  readonly bareTwo: number;
}

async function measure(run: Run, testbed: Testbed, target: Target): Promise<Row[]> {
  const rounds = await inRounds(
    run,
    () => round(run, testbed, target),
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
      ...{
        ...common,
        figure: 'two processes compared with one',
        rounds: rounds.map(({ two }) => two),
      },
      limit: { of: 'one process', rounds: rounds.map(({ one }) => one) },
      goal: atLeastTimes(1.6),
      note: 'needs enough cores',
    },
  ];
}

async function round(run: Run, testbed: Testbed, target: Target): Promise<Round> {
  return {
    bareOne: await bare(run, testbed, { target, workers: 1 }),
    one: await ours(run, testbed, { target, workers: 1 }),
    bareTwo: await bare(run, testbed, { target, workers: 2 }),
    two: await ours(run, testbed, { target, workers: 2 }),
  };
}

interface Setup {
  readonly target: Target;
  readonly workers: number;
}

async function ours({ plan }: Run, testbed: Testbed, { target, workers }: Setup): Promise<number> {
  const system = await startSystemOn(testbed, target, { workers });
  await warmUp(testbed, system, 2 * plan.warmUp);
  const rate = await drain(testbed, system, plan.remediations);
  await system.stop();
  await forget(testbed, system.prefix);
  return rate;
}

/** The same remediations in the same queue, taken by an empty BullMQ worker. */
async function bare({ plan }: Run, testbed: Testbed, { target, workers }: Setup): Promise<number> {
  const system = await startSystemOn(testbed, target, { workers: 0 });
  const programs = await Promise.all(
    Array.from({ length: workers }, () =>
      startChild(testbed, 'empty-worker.ts', testbed.redis.url, system.prefix),
    ),
  );
  await warmUp(testbed, system, 2 * plan.warmUp);
  const rate = await drain(testbed, system, plan.remediations);
  await Promise.all(programs.map((program) => program.stop()));
  await system.stop();
  await forget(testbed, system.prefix);
  return rate;
}

/** Drains `count` remediations, each of which creates a Job. @returns remediations/s */
export function drain(testbed: Testbed, system: System, count: number): Promise<number> {
  return workOff(system, { lot: `drain-${testbed.next()}`, count, operarii: system.operarii });
}

/** Fills the paused queue, then resumes it and waits until it is empty. @returns remediations/s */
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
