import { type Benchmark, inRounds, type Run } from '../benchmark.ts';
import type { Alerts } from '../parts/alerts.ts';
import { type Bed, withBed } from '../parts/bed.ts';
import { startStub } from '../parts/child.ts';
import { startOver, warmUp } from '../parts/system.ts';
import { atLeastShare, type Row } from '../row.ts';
import { drain, workOff } from './worker.ts';

/** What leads to no Job must not cost what a Job does. */
export const flood: Benchmark = {
  name: 'flood',
  title: 'alerts that lead to no Job, worked off',
  run: (run) => withBed((bed) => measure(run, bed)),
};

interface Round {
  readonly ceiling: number;
  readonly undefinedOnes: number;
  readonly repeats: number;
}

async function measure(run: Run, bed: Bed): Promise<Row[]> {
  const system = await startOver(bed, await startStub(bed), {});
  await warmUp(bed, system, 2 * run.plan.warmUp);
  const known = { lot: 'known', count: run.plan.flood, operarii: 1 };
  await workOff(system, known);
  const rounds = await inRounds(
    run,
    async (): Promise<Round> => ({
      ceiling: await drain(bed, system, run.plan.remediations),
      undefinedOnes: await workOff(system, unknown(run, bed)),
      repeats: await workOff(system, known),
    }),
    ({ ceiling, undefinedOnes, repeats }) =>
      `without a definition ${undefinedOnes.toFixed(0)}/s, repeats ${repeats.toFixed(0)}/s, worker ceiling ${ceiling.toFixed(0)}/s`,
  );
  const limit = { of: 'worker ceiling', rounds: rounds.map(({ ceiling }) => ceiling) };
  const row = (figure: string, of: (round: Round) => number): Row => ({
    ...{ benchmark: 'flood', unit: 'remediations/s', limit, goal: atLeastShare(0.7) },
    ...{ figure: `${run.plan.flood} ${figure}`, rounds: rounds.map(of) },
  });
  return [
    row('alerts without a definition', ({ undefinedOnes }) => undefinedOnes),
    row('repeats of as many known alerts', ({ repeats }) => repeats),
  ];
}

/** Their alertnames are beyond those that the only operarius stands for. */
function unknown({ plan }: Run, bed: Bed): Alerts {
  return { lot: `unknown-${bed.next()}`, count: plan.flood, operarii: 1, undefinedOnes: true };
}
