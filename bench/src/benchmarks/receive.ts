import { type Benchmark, inRounds, type Run } from '../benchmark.ts';
import { type Alerts, notificationsOf } from '../parts/alerts.ts';
import { bareAdds, forget } from '../parts/bulk.ts';
import { type Sender, senderTo, sendsOf } from '../parts/http.ts';
import { closedLoop, openLoop } from '../parts/load.ts';
import { redisFrom } from '../parts/redis-cost.ts';
import { SENDERS, type System, send, sendersOf, startSystem, warmUp } from '../parts/system.ts';
import {
  type ClusterTestbed,
  type Testbed,
  withClusterTestbed,
  withTestbed,
} from '../parts/testbed.ts';
import { atLeastShare, atMost, atMostTimes, type Goal, type Row } from '../row.ts';
import { median, type Times, timesOf } from '../statistics.ts';

const SIZES = [1, 10, 100] as const;
const GOALS: Readonly<Record<number, Goal>> = { 1: atLeastShare(0.5), 100: atLeastShare(0.7) };

/** From an alert to its acknowledgement, when it is stored in Redis. */
export const receive: Benchmark = {
  name: 'receive',
  title: 'alerts acknowledged by the receiver',
  async run(run) {
    const alone = await withTestbed((testbed) => measureAlone(run, testbed));
    const rate = (await run.peak()) / 2;
    return [
      ...alone,
      ...(await withClusterTestbed((testbed) => measureBesideWorker(run, testbed, rate))),
    ];
  },
};

interface Acknowledged extends Times {
  /** Alerts/s. */
  readonly rate: number;
  /** Bytes of Redis memory per waiting alert. */
  readonly memory: number;
}

/** A receiver without workers: what it adds stays until the end of the round. */
async function measureAlone(run: Run, testbed: Testbed): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of SIZES) {
    const count = run.plan.received[size] ?? 0;
    const rounds = await inRounds(
      run,
      async () => ({
        bare: await bareAdds(testbed, count, size),
        ours: await acknowledged(testbed, count, size),
      }),
      ({ bare, ours }) =>
        `${ours.rate.toFixed(0)} alerts/s with ${size} per notification, p99 ${ours.p99.toFixed(1)} ms, addBulk ${bare.toFixed(0)}`,
    );
    const ours = rounds.map((round) => round.ours);
    const addBulk = { of: 'addBulk', rounds: rounds.map(({ bare }) => bare) };
    rows.push(
      rateRow(size, ours, { limit: addBulk, ...(GOALS[size] && { goal: GOALS[size] }) }),
      ...timeRows(`${size} per notification, ${sendersOf(size)} in flight`, ours),
    );
    if (size === 100) rows.push(memoryRow(ours));
    if (size === 1)
      rows.push(...(await halfOfPeak(run, testbed, median(ours.map((one) => one.rate)))));
  }
  return rows;
}

async function acknowledged(testbed: Testbed, count: number, size: number): Promise<Acknowledged> {
  return withReceiver(testbed, async (sender) => {
    const bodies = bodiesOf(testbed, count, size);
    const held = await redisFrom(testbed);
    const load = await closedLoop(bodies.length, sendersOf(size), sendsOf(sender, bodies));
    const memory = (await held()).memory / count;
    return { rate: (count * 1000) / load.elapsed, memory, ...timesOf(load.times) };
  });
}

async function halfOfPeak(run: Run, testbed: Testbed, peak: number): Promise<Row[]> {
  const rate = peak / 2;
  const count = Math.round(rate * run.plan.steady);
  const rounds = await inRounds(
    run,
    () =>
      withReceiver(testbed, async (sender) => {
        const bodies = bodiesOf(testbed, count, 1);
        return timesOf((await openLoop(count, rate, sendsOf(sender, bodies))).times);
      }),
    ({ p99 }) => `acknowledged at ${rate.toFixed(0)}/s: p99 ${p99.toFixed(1)} ms`,
  );
  return timeRows(`at half of its own peak, ${rate.toFixed(0)}/s`, rounds, atMost(25, ' ms'));
}

/** A warmed-up receiver with its own prefix for one round. */
async function withReceiver<T>(testbed: Testbed, work: (sender: Sender) => Promise<T>): Promise<T> {
  const prefix = `{receive-${testbed.next()}}`;
  const receiver = await testbed.startService('receiver', {
    REDIS_URL: testbed.redis.url,
    OPENFERO_QUEUE_PREFIX: prefix,
    OPENFERO_MAX_WAITING: '1000000000',
  });
  const sender = senderTo(receiver.url, SENDERS);
  try {
    for (const size of SIZES) {
      const bodies = bodiesOf(testbed, 10 * SENDERS, size);
      await closedLoop(bodies.length, sendersOf(size), sendsOf(sender, bodies));
    }
    return await work(sender);
  } finally {
    await sender.close();
    await receiver.stop();
    await forget(testbed, prefix);
  }
}

/** The same rate with an idle worker and with a worker that has a backlog. */
async function measureBesideWorker(
  run: Run,
  testbed: ClusterTestbed,
  rate: number,
): Promise<Row[]> {
  const system = await startSystem(testbed);
  await warmUp(testbed, system, run.plan.warmUp);
  const rounds = await inRounds(
    run,
    async () => ({
      idle: await steady(run, testbed, { system, rate, backlog: 0 }),
      saturated: await steady(run, testbed, {
        system,
        rate,
        backlog: 1.5 * 2 * rate * run.plan.steady,
      }),
    }),
    ({ idle, saturated }) =>
      `acknowledged at ${rate.toFixed(0)}/s: p99 ${idle.p99.toFixed(1)} ms, worker saturated ${saturated.p99.toFixed(1)} ms`,
  );
  const idle = rounds.map((round) => round.idle);
  const saturated = rounds.map((round) => round.saturated);
  const at = `at half of the pipeline's peak, ${rate.toFixed(0)}/s`;
  const [, p99] = timeRows(`${at}, worker saturated`, saturated);
  const limit = { of: 'not saturated', rounds: idle.map((one) => one.p99) };
  return [
    ...timeRows(at, idle, atMost(25, ' ms')),
    ...(p99 === undefined ? [] : [{ ...p99, limit, goal: atMostTimes(2) }]),
  ];
}

interface Steady {
  readonly system: System;
  readonly rate: number;
  /** More than the worker can drain in the meantime, or 0. */
  readonly backlog: number;
}

async function steady(
  { plan }: Run,
  testbed: Testbed,
  { system, rate, backlog }: Steady,
): Promise<Times> {
  if (backlog > 0) {
    await system.queue.pause();
    const lot = `backlog-${testbed.next()}`;
    await send(system, { lot, count: Math.round(backlog), operarii: 1 }, 100);
    await system.queue.resume();
  }
  const count = Math.round(rate * plan.steady);
  const bodies = bodiesOf(testbed, count, 1);
  const { times } = await openLoop(count, rate, sendsOf(system.sender, bodies));
  await system.queue.drained();
  return timesOf(times);
}

function bodiesOf(testbed: Testbed, count: number, size: number): string[] {
  const alerts: Alerts = { lot: `receive-${testbed.next()}`, count, operarii: 1 };
  return notificationsOf(alerts, size);
}

function rateRow(
  size: number,
  rounds: readonly Acknowledged[],
  more: Pick<Row, 'limit' | 'goal'>,
): Row {
  return {
    ...{ benchmark: 'receive', figure: `${size} per notification`, unit: 'alerts/s', ...more },
    rounds: rounds.map(({ rate }) => rate),
  };
}

function memoryRow(rounds: readonly Acknowledged[]): Row {
  return {
    ...{ benchmark: 'receive', figure: 'Redis memory while waiting', unit: 'bytes/alert' },
    ...{ lowerIsBetter: true, rounds: rounds.map(({ memory }) => memory) },
  };
}

/** @param goal of the p99 */
function timeRows(figure: string, rounds: readonly Times[], goal?: Goal): Row[] {
  const common = { benchmark: 'receive', unit: 'ms', lowerIsBetter: true };
  return [
    { ...common, figure: `${figure}: p50`, rounds: rounds.map(({ p50 }) => p50) },
    {
      ...{ ...common, figure: `${figure}: p99`, rounds: rounds.map(({ p99 }) => p99) },
      ...(goal !== undefined && { goal }),
    },
  ];
}
