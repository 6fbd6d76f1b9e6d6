import { type Benchmark, inRounds, type Run } from '../benchmark.ts';
import { type Alerts, notificationsOf } from '../parts/alerts.ts';
import { countJobs } from '../parts/count.ts';
import { bareCreates } from '../parts/creates.ts';
import { sendsOf } from '../parts/http.ts';
import { closedLoop } from '../parts/load.ts';
import { type RedisCost, redisFrom } from '../parts/redis-cost.ts';
import { SENDERS, type System, startSystem, warmUp } from '../parts/system.ts';
import { type ClusterTestbed, withClusterTestbed } from '../parts/testbed.ts';
import { cpuFrom } from '../parts/usage.ts';
import { atLeast, atLeastShare, atMost, type Row } from '../row.ts';
import { median, sum } from '../statistics.ts';

/** Jobs/s of the original OpenFero on a control plane like this one. */
const ORIGINAL = 2.6;

/** From notifications of distinct alerts to a Job for each. */
export const pipeline: Benchmark = {
  name: 'pipeline',
  title: 'from notifications of distinct alerts to a Job for each',
  run: (run) => withClusterTestbed((testbed) => measure(run, testbed)),
};

interface Round {
  readonly bare: number;
  readonly tens: PipelineResult;
  readonly ones: PipelineResult;
}

/** The throughput, and what it cost. */
export interface PipelineResult {
  /** Jobs/s. */
  readonly rate: number;
  /** CPU milliseconds per Job, by process. */
  readonly cpu: Readonly<Record<string, number>>;
  /** Per Job. */
  readonly redis: RedisCost;
}

async function measure(run: Run, testbed: ClusterTestbed): Promise<Row[]> {
  const rounds = await inRounds(
    run,
    () => round(run, testbed),
    ({ bare, tens, ones }) =>
      `${tens.rate.toFixed(0)} Jobs/s with 10 alerts per notification, ${ones.rate.toFixed(0)} with 1, bare creates ${bare.toFixed(0)}`,
  );
  const tens = rounds.map((one) => one.tens);
  const ones = rounds.map((one) => one.ones);
  const bare = { of: 'bare creates', rounds: rounds.map((one) => one.bare) };
  const rows = [
    jobsRow(10, { rounds: tens.map(({ rate }) => rate), limit: bare, goal: atLeastShare(0.8) }),
    jobsRow(1, { rounds: ones.map(({ rate }) => rate), limit: bare, goal: atLeastShare(0.7) }),
    originalRow(ones),
    ...cpuRows(10, tens),
    ...cpuRows(1, ones),
    ...redisRows(10, tens),
    ...redisRows(1, ones),
  ];
  run.setPeak(median(ones.map(({ rate }) => rate)));
  return rows;
}

/** One after the other in a new namespace, so that other load on the machine affects all alike. */
async function round({ plan }: Run, testbed: ClusterTestbed): Promise<Round> {
  const system = await startSystem(testbed);
  await warmUp(testbed, system, plan.warmUp);
  const bare = await bareCreates(testbed, plan.jobs);
  const tens = await runPipeline(testbed, system, { count: plan.jobs, size: 10 });
  const ones = await runPipeline(testbed, system, { count: plan.jobs, size: 1 });
  await system.stop();
  return { bare, tens, ones };
}

/** Sends `count` alerts, `size` in each notification, and waits until all have ended. */
export async function runPipeline(
  testbed: ClusterTestbed,
  system: System,
  { count, size }: { readonly count: number; readonly size: number },
): Promise<PipelineResult> {
  const alerts: Alerts = { lot: `lot-${testbed.next()}`, count, operarii: system.operarii };
  const bodies = notificationsOf(alerts, size);
  const before = await countJobs(testbed, system.namespace);
  const backlog = await system.queue.left();
  const [worker] = system.workers;
  const spent = cpuFrom({
    ...{ receiver: system.receiver.pid, worker: worker?.pid ?? 0, ...testbed.pids },
    sender: process.pid,
  });
  const done = await redisFrom(testbed);
  const started = performance.now();
  if (system.paused) await system.queue.resume();
  await closedLoop(bodies.length, SENDERS, sendsOf(system.sender, bodies));
  await system.queue.leftAtMost(backlog);
  if (system.paused) await system.queue.pause();
  const seconds = (performance.now() - started) / 1000;
  const cpu = Object.entries(spent()).map(([name, ms]) => [name, ms / count] as const);
  const { commands, traffic, appended, memory } = await done();
  await assertJobs(testbed, system, before + (backlog === 0 ? count : 0));
  return {
    rate: count / seconds,
    cpu: Object.fromEntries(cpu),
    redis: {
      commands: commands / count,
      traffic: traffic / count,
      appended: appended / count,
      memory: memory / count,
    },
  };
}

/** Remediations that ended without a Job would make the rate wrong. */
async function assertJobs(
  testbed: ClusterTestbed,
  system: System,
  expected: number,
): Promise<void> {
  const [jobs, failed] = [await countJobs(testbed, system.namespace), await system.queue.failed()];
  if (jobs >= expected && failed === 0) return;
  throw new Error(`${jobs} Jobs instead of ${expected}, ${failed} remediations failed`);
}

function jobsRow(size: number, figures: Pick<Row, 'rounds' | 'limit' | 'goal'>): Row {
  return { benchmark: 'pipeline', figure: `${perNotification(size)}`, unit: 'Jobs/s', ...figures };
}

function originalRow(ones: readonly PipelineResult[]): Row {
  return {
    benchmark: 'pipeline',
    figure: `1 per notification, times the original's ${ORIGINAL}/s`,
    unit: '×',
    rounds: ones.map(({ rate }) => rate / ORIGINAL),
    goal: atLeast(150),
  };
}

const OURS = ['receiver', 'worker', 'Redis'];

/** The goal covers our services and Redis; the other processes are shown for comparison. */
function cpuRows(size: number, results: readonly PipelineResult[]): Row[] {
  const row = (name: string, rounds: readonly number[]): Row => ({
    benchmark: 'cpu',
    figure: `${perNotification(size)}: ${name}`,
    unit: 'ms/Job',
    lowerIsBetter: true,
    rounds,
  });
  const names = Object.keys(results[0]?.cpu ?? {});
  const together = row(
    OURS.join(' + '),
    results.map(({ cpu }) => sum(OURS.map((name) => cpu[name] ?? 0))),
  );
  return [
    size === 10 ? { ...together, goal: atMost(1) } : together,
    ...names.map((name) =>
      row(
        name,
        results.map(({ cpu }) => cpu[name] ?? 0),
      ),
    ),
  ];
}

/** Input of the capacity model in docs/performance.md. */
function redisRows(size: number, results: readonly PipelineResult[]): Row[] {
  const row = (figure: string, of: keyof RedisCost, unit: string): Row => ({
    ...{ benchmark: 'redis', figure: `${perNotification(size)}: ${figure}`, unit },
    ...{ lowerIsBetter: true, rounds: results.map(({ redis }) => redis[of]) },
  });
  return [
    row('commands, including those in scripts', 'commands', '/Job'),
    row('traffic', 'traffic', 'bytes/Job'),
    row('append-only file', 'appended', 'bytes/Job'),
    row('memory after the end', 'memory', 'bytes/Job'),
  ];
}

const perNotification = (size: number): string => `${size} per notification`;

/** A short run of the pipeline, if the peak is needed and not measured yet. */
export function peakRate({ plan }: Run): Promise<number> {
  return withClusterTestbed(async (testbed) => {
    const system = await startSystem(testbed);
    await warmUp(testbed, system, plan.warmUp);
    return (await runPipeline(testbed, system, { count: plan.jobs, size: 1 })).rate;
  });
}
