import { LABELS, labelValue } from '@openfero/core/labels';
import { jobsPath } from '@openfero/testkit/controlplane';
import type { Benchmark, Run } from '../benchmark.ts';
import { alertOf, notificationOf } from '../parts/alerts.ts';
import { openLoop } from '../parts/load.ts';
import { type System, startSystem, warmUp } from '../parts/system.ts';
import { type ClusterTestbed, withClusterTestbed } from '../parts/testbed.ts';
import { rssOf } from '../parts/usage.ts';
import { atMost, atMostTimes, type Goal, type Row } from '../row.ts';
import { median } from '../statistics.ts';

const SAMPLE_MS = 1000;

/** Seconds. The alerts of one window are one group, so that their Jobs can be removed together. */
const WINDOW = 10;

/** Windows after which Jobs are removed, as their ttl does in a cluster. */
const LIFE = 3;

/** A steady rate for a long time, and the memory of the processes. */
export const soak: Benchmark = {
  name: 'soak',
  title: 'memory of each process at half of the peak rate',
  async run(run) {
    const rate = (await run.peak()) / 2;
    return withClusterTestbed((testbed) => measure(run, testbed, rate));
  },
};

type Samples = Readonly<Record<string, readonly number[]>>;

async function measure(run: Run, testbed: ClusterTestbed, rate: number): Promise<Row[]> {
  const system = await startSystem(testbed);
  await warmUp(testbed, system, run.plan.warmUp);
  const [worker] = system.workers;
  const pids = { receiver: system.receiver.pid, worker: worker?.pid ?? 0, Redis: testbed.redisPid };
  const sampling = sample(pids, run);
  try {
    await steadily(run, testbed, { system, rate });
  } finally {
    sampling.stop();
  }
  await system.queue.drained();
  return rowsOf(run, sampling.samples, rate);
}

/** Memory limits in units of 10^6 bytes, as Kubernetes' M. */
const BOUNDS: Readonly<Record<string, Goal>> = {
  receiver: atMost(130, ' MB'),
  worker: atMost(130, ' MB'),
};

/** Share of the RSS after warm-up. Smaller changes are the garbage collector's. */
const FLAT = 0.03;

function rowsOf({ plan }: Run, samples: Samples, rate: number): Row[] {
  const { length, warm } = plan.soak;
  const at = `${Math.round(rate)}/s`;
  return Object.entries(samples).flatMap(([name, values]) => {
    const after = values.slice(Math.round((values.length * warm) / length));
    const part = Math.max(1, Math.floor(after.length / 4));
    const [first, last] = [median(after.slice(0, part)), median(after.slice(-part))];
    const common = { benchmark: 'soak', lowerIsBetter: true };
    const goal = BOUNDS[name];
    return [
      {
        ...{ ...common, figure: `${name}: highest RSS in ${length} s at ${at}`, unit: 'MB' },
        ...{ rounds: [Math.max(...values)], ...(goal !== undefined && { goal }) },
      },
      {
        ...{ ...common, figure: `${name}: RSS at the end, after the first ${warm} s`, unit: 'MB' },
        ...{ rounds: [last], limit: { of: 'at the start', rounds: [first] } },
        ...(goal !== undefined && { goal: atMostTimes(1 + FLAT) }),
      },
    ];
  });
}

interface Sampling {
  /** Megabytes, one a second. */
  readonly samples: Samples;
  stop(): void;
}

function sample(pids: Readonly<Record<string, number>>, { progress }: Run): Sampling {
  const samples: Record<string, number[]> = {};
  const take = (): void => {
    for (const [name, pid] of Object.entries(pids)) {
      samples[name] = [...(samples[name] ?? []), rssOf(pid) / 1e6];
    }
  };
  const say = (): void => {
    const now = Object.entries(samples).map(
      ([name, all]) => `${name} ${all.at(-1)?.toFixed(0)} MB`,
    );
    progress(now.join(', '));
  };
  const timers = [setInterval(take, SAMPLE_MS), setInterval(say, 30 * SAMPLE_MS)];
  return {
    samples,
    stop() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}

interface Soaked {
  readonly system: System;
  readonly rate: number;
}

async function steadily(
  { plan }: Run,
  testbed: ClusterTestbed,
  { system, rate }: Soaked,
): Promise<void> {
  const perWindow = Math.round(rate * WINDOW);
  const count = Math.round(rate * plan.soak.length);
  const removals: Promise<void>[] = [];
  await openLoop(count, rate, async (index) => {
    const window = Math.floor(index / perWindow);
    if (index % perWindow === 0 && window >= LIFE) {
      removals.push(removeJobs(testbed, system.namespace, groupOf(window - LIFE)));
    }
    const alert = alertOf({ lot: 'soak', count, operarii: 1 }, index);
    await system.sender.send(notificationOf([alert], groupOf(window)));
  });
  await Promise.all(removals);
}

const groupOf = (window: number): string => `soak-${window}`;

async function removeJobs(
  testbed: ClusterTestbed,
  namespace: string,
  group: string,
): Promise<void> {
  const selector = encodeURIComponent(`${LABELS.groupKey}=${labelValue(group)}`);
  const path = `${jobsPath(namespace)}?labelSelector=${selector}&propagationPolicy=Background`;
  const { status } = await testbed.plane.request('DELETE', path);
  if (status !== 200) throw new Error(`the API server answered ${status} when removing Jobs`);
}
