import { type Benchmark, inRounds, type Run } from '../benchmark.ts';
import { type Alerts, fingerprintOf, notificationsOf } from '../parts/alerts.ts';
import { singleCreates, steadyCreates } from '../parts/creates.ts';
import { closedLoop, openLoop, type Request } from '../parts/load.ts';
import { type System, startSystem, warmUp } from '../parts/system.ts';
import { type ClusterTestbed, withClusterTestbed } from '../parts/testbed.ts';
import { watchJobs } from '../parts/watch.ts';
import { atMostTimes, atMostTimesPlus, type Row } from '../row.ts';
import { type Times, timesOf } from '../statistics.ts';

/** From sending an alert until another client of the API server sees its Job. */
export const latency: Benchmark = {
  name: 'latency',
  title: 'time from sending an alert until another client sees its Job',
  async run(run) {
    const rate = (await run.peak()) / 2;
    return withClusterTestbed((testbed) => measure(run, testbed, rate));
  },
};

interface Round {
  readonly idle: Times;
  readonly steady: Times;
  readonly bareIdle: Times;
  readonly bareSteady: Times;
}

async function measure(run: Run, testbed: ClusterTestbed, rate: number): Promise<Row[]> {
  const system = await startSystem(testbed);
  await warmUp(testbed, system, run.plan.warmUp);
  const rounds = await inRounds(
    run,
    () => round(run, testbed, { system, rate }),
    ({ idle, steady, bareIdle }) =>
      `idle p50 ${idle.p50.toFixed(1)} ms, p99 at ${rate.toFixed(0)}/s ${steady.p99.toFixed(1)} ms, one bare create ${bareIdle.p50.toFixed(1)} ms`,
  );
  const row = (figure: string, ours: Pick, limit: Pick, goal?: Row['goal']): Row => ({
    ...{ benchmark: 'latency', figure, unit: 'ms', lowerIsBetter: true },
    rounds: rounds.map(ours),
    limit: { of: 'bare create', rounds: rounds.map(limit) },
    ...(goal !== undefined && { goal }),
  });
  const at = `at half of the peak, ${Math.round(rate)}/s`;
  return [
    row(
      'one at a time, p50',
      ({ idle }) => idle.p50,
      ({ bareIdle }) => bareIdle.p50,
      atMostTimesPlus(2, 5),
    ),
    row(
      'one at a time, p99',
      ({ idle }) => idle.p99,
      ({ bareIdle }) => bareIdle.p99,
    ),
    row(
      `${at}, p50`,
      ({ steady }) => steady.p50,
      ({ bareSteady }) => bareSteady.p50,
    ),
    row(
      `${at}, p99`,
      ({ steady }) => steady.p99,
      ({ bareSteady }) => bareSteady.p99,
      atMostTimes(3),
    ),
  ];
}

type Pick = (round: Round) => number;

interface Loaded {
  readonly system: System;
  /** Alerts per second. */
  readonly rate: number;
}

async function round(
  { plan }: Run,
  testbed: ClusterTestbed,
  { system, rate }: Loaded,
): Promise<Round> {
  const count = Math.round(plan.steady * rate);
  const bareIdle = timesOf((await singleCreates(testbed, plan.singles)).times);
  const idle = await received(testbed, system, plan.singles, (total, request) =>
    closedLoop(total, 1, request),
  );
  const bareSteady = timesOf((await steadyCreates(testbed, count, rate)).times);
  const steady = await received(testbed, system, count, (total, request) =>
    openLoop(total, rate, request),
  );
  return { bareIdle, idle, bareSteady, steady };
}

/** Sends `count` alerts with the load. Each request ends when its Job is seen. */
async function received(
  testbed: ClusterTestbed,
  system: System,
  count: number,
  load: (count: number, request: Request) => ReturnType<typeof closedLoop>,
): Promise<Times> {
  const alerts: Alerts = { lot: `latency-${testbed.next()}`, count, operarii: 1 };
  const bodies = notificationsOf(alerts, 1);
  const watch = await watchJobs(testbed, system.namespace);
  try {
    const work = load(count, async (index) => {
      await system.sender.send(bodies[index] ?? '');
      await watch.seen(fingerprintOf(alerts.lot, index));
    });
    return timesOf((await Promise.race([work, watch.lost])).times);
  } finally {
    await watch.close();
  }
}
