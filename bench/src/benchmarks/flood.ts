import { type Benchmark, inRounds, type Run } from '../benchmark.ts';
import type { Alerts } from '../parts/alerts.ts';
import { startStub } from '../parts/child.ts';
import { startSystemOn, warmUp } from '../parts/system.ts';
import { type Testbed, withTestbed } from '../parts/testbed.ts';
import { atLeastShare, type Row } from '../row.ts';
import { drain, workOff } from './worker.ts';

/** An alert without a Job must cost less than one with a Job. */
export const flood: Benchmark = {
  name: 'flood',
  title: 'alerts that start no Job',
  run: (run) => withTestbed((testbed) => measure(run, testbed)),
};

interface Round {
  readonly ceiling: number;
  readonly undefinedOnes: number;
  readonly repeats: number;
}

async function measure(run: Run, testbed: Testbed): Promise<Row[]> {
  const system = await startSystemOn(testbed, await startStub(testbed), {});
  await warmUp(testbed, system, 2 * run.plan.warmUp);
  const known = { lot: 'known', count: run.plan.flood, operarii: 1 };
  await workOff(system, known);
  const rounds = await inRounds(
    run,
    async (): Promise<Round> => ({
      ceiling: await drain(testbed, system, run.plan.remediations),
      undefinedOnes: await workOff(system, unknown(run, testbed)),
      repeats: await workOff(system, known),
    }),
    ({ ceiling, undefinedOnes, repeats }) =>
      `without an operarius ${undefinedOnes.toFixed(0)}/s, repeats ${repeats.toFixed(0)}/s, worker ceiling ${ceiling.toFixed(0)}/s`,
  );
  const limit = { of: 'worker ceiling', rounds: rounds.map(({ ceiling }) => ceiling) };
  const row = (figure: string, of: (round: Round) => number): Row => ({
    ...{ benchmark: 'flood', unit: 'remediations/s', limit, goal: atLeastShare(0.7) },
    ...{ figure: `${run.plan.flood} ${figure}`, rounds: rounds.map(of) },
  });
  return [
    row('alerts without an operarius', ({ undefinedOnes }) => undefinedOnes),
    row('repeated alerts', ({ repeats }) => repeats),
  ];
}

/** Alerts with other alertnames than the only operarius has. */
function unknown({ plan }: Run, testbed: Testbed): Alerts {
  return { lot: `unknown-${testbed.next()}`, count: plan.flood, operarii: 1, undefinedOnes: true };
}
