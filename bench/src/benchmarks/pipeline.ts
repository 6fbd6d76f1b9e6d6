import { type Benchmark, inRounds, type Run } from '../benchmark.ts';
import { type Alerts, notificationsOf } from '../parts/alerts.ts';
import { type ClusterBed, withCluster } from '../parts/bed.ts';
import { countJobs } from '../parts/count.ts';
import { bareCreates } from '../parts/creates.ts';
import { sendsOf } from '../parts/http.ts';
import { closedLoop } from '../parts/load.ts';
import { type RedisCost, redisFrom } from '../parts/redis-cost.ts';
import { SENDERS, type System, startSystem, warmUp } from '../parts/system.ts';
import { cpuFrom } from '../parts/usage.ts';
import { atLeast, atLeastShare, atMost, type Row } from '../row.ts';
import { median, sum } from '../statistics.ts';

/** Jobs/s of the original on a control plane like this one. */
const ORIGINAL = 2.6;

/** Notifications of distinct alerts, until there is a Job for each. */
export const pipeline: Benchmark = {
  name: 'pipeline',
  title: 'notifications of distinct alerts, until there is a Job for each',
  run: (run) => withCluster((bed) => measure(run, bed)),
};

interface Round {
  readonly bare: number;
  readonly tens: Passage;
  readonly ones: Passage;
}

/** What went through, and what it cost. */
export interface Passage {
  /** Jobs/s. */
  readonly rate: number;
  /** CPU milliseconds per Job, by process. */
  readonly cpu: Readonly<Record<string, number>>;
  /** Per Job. */
  readonly redis: RedisCost;
}

async function measure(run: Run, bed: ClusterBed): Promise<Row[]> {
  const rounds = await inRounds(
    run,
    () => round(run, bed),
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

/** One after the other in a namespace that is new: whatever else the machine does hits them alike. */
async function round({ plan }: Run, bed: ClusterBed): Promise<Round> {
  const system = await startSystem(bed);
  await warmUp(bed, system, plan.warmUp);
  const bare = await bareCreates(bed, plan.jobs);
  const tens = await passage(bed, system, { count: plan.jobs, size: 10 });
  const ones = await passage(bed, system, { count: plan.jobs, size: 1 });
  await system.stop();
  return { bare, tens, ones };
}

/** Sends so many alerts, so many in a notification, and waits until all have ended. */
export async function passage(
  bed: ClusterBed,
  system: System,
  { count, size }: { readonly count: number; readonly size: number },
): Promise<Passage> {
  const alerts: Alerts = { lot: `lot-${bed.next()}`, count, operarii: system.operarii };
  const bodies = notificationsOf(alerts, size);
  const before = await countJobs(bed, system.namespace);
  const backlog = await system.queue.left();
  const [worker] = system.workers;
  const spent = cpuFrom({
    ...{ receiver: system.receiver.pid, worker: worker?.pid ?? 0, ...bed.pids },
    sender: process.pid,
  });
  const done = await redisFrom(bed);
  const started = performance.now();
  if (system.paused) await system.queue.resume();
  await closedLoop(bodies.length, SENDERS, sendsOf(system.sender, bodies));
  await system.queue.leaves(backlog);
  if (system.paused) await system.queue.pause();
  const seconds = (performance.now() - started) / 1000;
  const cpu = Object.entries(spent()).map(([name, ms]) => [name, ms / count] as const);
  const { commands, traffic, appended, memory } = await done();
  await assertJobs(bed, system, before + (backlog === 0 ? count : 0));
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

/** A rate of remediations that ended otherwise would be a wrong one. */
async function assertJobs(bed: ClusterBed, system: System, expected: number): Promise<void> {
  const [jobs, failed] = [await countJobs(bed, system.namespace), await system.queue.failed()];
  if (jobs >= expected && failed === 0) return;
  throw new Error(`${jobs} Jobs instead of ${expected}, ${failed} remediations have failed`);
}

function jobsRow(size: number, figures: Pick<Row, 'rounds' | 'limit' | 'goal'>): Row {
  return { benchmark: 'pipeline', figure: `${perNotification(size)}`, unit: 'Jobs/s', ...figures };
}

function originalRow(ones: readonly Passage[]): Row {
  return {
    benchmark: 'pipeline',
    figure: `1 per notification, times the original's ${ORIGINAL}/s`,
    unit: '×',
    rounds: ones.map(({ rate }) => rate / ORIGINAL),
    goal: atLeast(150),
  };
}

const OURS = ['receiver', 'worker', 'Redis'];

/** The goal is for what is ours and Redis; the others are told to compare with. */
function cpuRows(size: number, passages: readonly Passage[]): Row[] {
  const row = (name: string, rounds: readonly number[]): Row => ({
    benchmark: 'cpu',
    figure: `${perNotification(size)}: ${name}`,
    unit: 'ms/Job',
    lowerIsBetter: true,
    rounds,
  });
  const names = Object.keys(passages[0]?.cpu ?? {});
  const together = row(
    OURS.join(' + '),
    passages.map(({ cpu }) => sum(OURS.map((name) => cpu[name] ?? 0))),
  );
  return [
    size === 10 ? { ...together, goal: atMost(1) } : together,
    ...names.map((name) =>
      row(
        name,
        passages.map(({ cpu }) => cpu[name] ?? 0),
      ),
    ),
  ];
}

/** What the capacity model in docs/performance.md reckons with. */
function redisRows(size: number, passages: readonly Passage[]): Row[] {
  const row = (figure: string, of: keyof RedisCost, unit: string): Row => ({
    ...{ benchmark: 'redis', figure: `${perNotification(size)}: ${figure}`, unit },
    ...{ lowerIsBetter: true, rounds: passages.map(({ redis }) => redis[of]) },
  });
  return [
    row('commands, those of scripts too', 'commands', '/Job'),
    row('traffic', 'traffic', 'bytes/Job'),
    row('append-only file', 'appended', 'bytes/Job'),
    row('memory after its end', 'memory', 'bytes/Job'),
  ];
}

const perNotification = (size: number): string => `${size} per notification`;

/** A short pipeline, where the peak is asked for and nobody has measured it. */
export function peakRate({ plan }: Run): Promise<number> {
  return withCluster(async (bed) => {
    const system = await startSystem(bed);
    await warmUp(bed, system, plan.warmUp);
    return (await passage(bed, system, { count: plan.jobs, size: 1 })).rate;
  });
}
