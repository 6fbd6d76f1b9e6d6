import { type Benchmark, inRounds, type Run } from '../benchmark.ts';
import { fill } from '../parts/creates.ts';
import { type System, send, startSystem, warmUp } from '../parts/system.ts';
import { type ClusterTestbed, withClusterTestbed } from '../parts/testbed.ts';
import { atLeastShare, type Row } from '../row.ts';
import { runPipeline } from './pipeline.ts';

/** The pipeline with much of something, compared with little of it. */
export const growth: Benchmark = {
  name: 'growth',
  title: 'the pipeline with many waiting remediations, operarii or Jobs',
  async run(run) {
    const { waiting, operarii, present } = run.plan.growth;
    const rows: Row[] = [];
    for (const growthCase of [
      ...waiting.map(withWaiting),
      ...operarii.map(withOperarii),
      ...present.map(withPresent),
    ]) {
      run.progress(`${growthCase.figure}: preparing`);
      rows.push(await withClusterTestbed((testbed) => compare(run, testbed, growthCase)));
    }
    return rows;
  },
};

interface GrowthCase {
  readonly figure: string;
  readonly smallest: string;
  /** @returns the warmed-up system with much of it */
  make(run: Run, testbed: ClusterTestbed): Promise<System>;
}

/** Both systems run all the time and take turns. */
async function compare(run: Run, testbed: ClusterTestbed, growthCase: GrowthCase): Promise<Row> {
  const small = await startSystem(testbed);
  await warmUp(testbed, small, run.plan.warmUp);
  const large = await growthCase.make(run, testbed);
  const count = run.plan.growth.jobs;
  const rounds = await inRounds(
    run,
    async () => ({
      small: await runPipeline(testbed, small, { count, size: 10 }),
      large: await runPipeline(testbed, large, { count, size: 10 }),
    }),
    (round) =>
      `${growthCase.figure} ${round.large.rate.toFixed(0)} Jobs/s, ${growthCase.smallest} ${round.small.rate.toFixed(0)}`,
  );
  return {
    ...{ benchmark: 'growth', figure: growthCase.figure, unit: 'Jobs/s', goal: atLeastShare(0.9) },
    rounds: rounds.map((round) => round.large.rate),
    limit: { of: growthCase.smallest, rounds: rounds.map((round) => round.small.rate) },
  };
}

/** The backlog stays constant: the worker takes as many as arrive, and pauses between rounds. */
function withWaiting(count: number): GrowthCase {
  return {
    figure: `${count} remediations waiting`,
    smallest: 'none waiting',
    async make({ plan }, testbed) {
      const system = await startSystem(testbed);
      await warmUp(testbed, system, plan.warmUp);
      await system.queue.pause();
      await send(system, { lot: `waiting-${testbed.next()}`, count, operarii: 1 }, 100);
      return { ...system, paused: true };
    },
  };
}

function withOperarii(count: number): GrowthCase {
  return {
    figure: `${count} operarii`,
    smallest: 'one',
    async make({ plan }, testbed) {
      const system = await startSystem(testbed, { operarii: count });
      await warmUp(testbed, system, plan.warmUp);
      return system;
    },
  };
}

function withPresent(count: number): GrowthCase {
  return {
    figure: `${count} Jobs present`,
    smallest: 'none at the start',
    async make({ plan }, testbed) {
      const system = await startSystem(testbed);
      await fill(testbed, system.namespace, count);
      await warmUp(testbed, system, plan.warmUp);
      return system;
    },
  };
}
