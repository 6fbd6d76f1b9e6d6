import { type Benchmark, inRounds, type Run } from '../benchmark.ts';
import { type ClusterBed, withCluster } from '../parts/bed.ts';
import { fill } from '../parts/creates.ts';
import { type System, send, startSystem, warmUp } from '../parts/system.ts';
import { atLeastShare, type Row } from '../row.ts';
import { passage } from './pipeline.ts';

/** The pipeline when there is much of something, beside the same where there is little. */
export const growth: Benchmark = {
  name: 'growth',
  title: 'the pipeline with many waiting, many operarii, many Jobs',
  async run(run) {
    const { waiting, operarii, present } = run.plan.growth;
    const rows: Row[] = [];
    for (const grown of [
      ...waiting.map(withWaiting),
      ...operarii.map(withOperarii),
      ...present.map(withPresent),
    ]) {
      run.tell(`${grown.figure}: being made`);
      rows.push(await withCluster((bed) => compare(run, bed, grown)));
    }
    return rows;
  },
};

interface Grown {
  readonly figure: string;
  readonly smallest: string;
  /** @returns the system with much of it, warm */
  make(run: Run, bed: ClusterBed): Promise<System>;
}

/** Both systems are there all the time, and take turns. */
async function compare(run: Run, bed: ClusterBed, grown: Grown): Promise<Row> {
  const small = await startSystem(bed);
  await warmUp(bed, small, run.plan.warmUp);
  const large = await grown.make(run, bed);
  const count = run.plan.growth.jobs;
  const rounds = await inRounds(
    run,
    async () => ({
      small: await passage(bed, small, { count, size: 10 }),
      large: await passage(bed, large, { count, size: 10 }),
    }),
    (round) =>
      `${grown.figure} ${round.large.rate.toFixed(0)} Jobs/s, ${grown.smallest} ${round.small.rate.toFixed(0)}`,
  );
  return {
    ...{ benchmark: 'growth', figure: grown.figure, unit: 'Jobs/s', goal: atLeastShare(0.9) },
    rounds: rounds.map((round) => round.large.rate),
    limit: { of: grown.smallest, rounds: rounds.map((round) => round.small.rate) },
  };
}

/** The backlog stays: as many as come are worked off. Its worker stands still between the rounds. */
function withWaiting(count: number): Grown {
  return {
    figure: `${count} remediations waiting`,
    smallest: 'none waiting',
    async make({ plan }, bed) {
      const system = await startSystem(bed);
      await warmUp(bed, system, plan.warmUp);
      await system.queue.pause();
      await send(system, { lot: `waiting-${bed.next()}`, count, operarii: 1 }, 100);
      return { ...system, paused: true };
    },
  };
}

function withOperarii(count: number): Grown {
  return {
    figure: `${count} operarii`,
    smallest: 'one',
    async make({ plan }, bed) {
      const system = await startSystem(bed, { operarii: count });
      await warmUp(bed, system, plan.warmUp);
      return system;
    },
  };
}

function withPresent(count: number): Grown {
  return {
    figure: `${count} Jobs present`,
    smallest: 'none at its start',
    async make({ plan }, bed) {
      const system = await startSystem(bed);
      await fill(bed, system.namespace, count);
      await warmUp(bed, system, plan.warmUp);
      return system;
    },
  };
}
