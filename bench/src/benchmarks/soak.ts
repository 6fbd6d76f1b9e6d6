import { LABELS, labelValue } from '@openfero/core/labels';
import { jobsPath } from '@openfero/testkit/controlplane';
import type { Benchmark, Run } from '../benchmark.ts';
import { alertOf, notificationOf } from '../parts/alerts.ts';
import { type ClusterBed, withCluster } from '../parts/bed.ts';
import { openLoop } from '../parts/load.ts';
import { type System, startSystem, warmUp } from '../parts/system.ts';
import { rssOf } from '../parts/usage.ts';
import { atMost, atMostTimes, type Goal, type Row } from '../row.ts';
import { median } from '../statistics.ts';

const SAMPLE_MS = 1000;

/** Seconds: all alerts of one window are of one group, so that their Jobs can be removed together. */
const WINDOW = 10;

/** Windows that a Job lives for. In a cluster its ttl ends it, or nobody's memory would be flat. */
const LIFE = 3;

/** A steady rate for long, and what the processes hold meanwhile. */
export const soak: Benchmark = {
  name: 'soak',
  title: 'half of the peak for long, and the memory of each process meanwhile',
  async run(run) {
    const rate = (await run.peak()) / 2;
    return withCluster((bed) => measure(run, bed, rate));
  },
};

type Samples = Readonly<Record<string, readonly number[]>>;

async function measure(run: Run, bed: ClusterBed, rate: number): Promise<Row[]> {
  const system = await startSystem(bed);
  await warmUp(bed, system, run.plan.warmUp);
  const [worker] = system.workers;
  const pids = { receiver: system.receiver.pid, worker: worker?.pid ?? 0, Redis: bed.redisPid };
  const sampling = sample(pids, run);
  try {
    await steadily(run, bed, { system, rate });
  } finally {
    sampling.stop();
  }
  await system.queue.drained();
  return rowsOf(run, sampling.samples, rate);
}

/** What a receiver and a worker may hold: 10^6 bytes, as Kubernetes' M. */
const BOUNDS: Readonly<Record<string, Goal>> = {
  receiver: atMost(110, ' MB'),
  worker: atMost(200, ' MB'),
};

/** Of the RSS after the warm part: less is what a garbage collector does between two samples. */
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
        ...{ rounds: [last], limit: { of: 'at first', rounds: [first] } },
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

function sample(pids: Readonly<Record<string, number>>, { tell }: Run): Sampling {
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
    tell(now.join(', '));
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

async function steadily({ plan }: Run, bed: ClusterBed, { system, rate }: Soaked): Promise<void> {
  const perWindow = Math.round(rate * WINDOW);
  const count = Math.round(rate * plan.soak.length);
  const removals: Promise<void>[] = [];
  await openLoop(count, rate, async (index) => {
    const window = Math.floor(index / perWindow);
    if (index % perWindow === 0 && window >= LIFE) {
      removals.push(removeJobs(bed, system.namespace, groupOf(window - LIFE)));
    }
    const alert = alertOf({ lot: 'soak', count, operarii: 1 }, index);
    await system.sender.send(notificationOf([alert], groupOf(window)));
  });
  await Promise.all(removals);
}

const groupOf = (window: number): string => `soak-${window}`;

async function removeJobs(bed: ClusterBed, namespace: string, group: string): Promise<void> {
  const selector = encodeURIComponent(`${LABELS.groupKey}=${labelValue(group)}`);
  const path = `${jobsPath(namespace)}?labelSelector=${selector}&propagationPolicy=Background`;
  const { status } = await bed.plane.request('DELETE', path);
  if (status !== 200) throw new Error(`the API server answered ${status} to the removal of Jobs`);
}
