import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceName } from '@openfero/testkit/process';
import { type Benchmark, inRounds, type Run } from '../benchmark.ts';
import { startChild } from '../parts/child.ts';
import type { Program } from '../parts/program.ts';
import { type ClusterTestbed, withClusterTestbed } from '../parts/testbed.ts';
import { rssOf } from '../parts/usage.ts';
import { atMostTimes, type Goal, type Row } from '../row.ts';

/** The time from start to ready, and the memory then. */
export const start: Benchmark = {
  name: 'start',
  title: 'time from start to ready',
  run: (run) => withClusterTestbed((testbed) => measure(run, testbed)),
};

const EMPTY = 'empty node:http';
const DIRECTORY = 'worker over directories';

interface Started {
  /** Milliseconds. */
  readonly readyAfter: number;
  /** Megabytes. */
  readonly rss: number;
}

async function measure(run: Run, testbed: ClusterTestbed): Promise<Row[]> {
  const starts = await startsOn(testbed);
  const rounds = await inRounds(
    run,
    async () => {
      const started: Record<string, Started> = {};
      for (const [name, begin] of Object.entries(starts)) started[name] = await startOnce(begin);
      return started;
    },
    (started) =>
      Object.entries(started)
        .map(([name, { readyAfter }]) => `${name} ${readyAfter.toFixed(0)} ms`)
        .join(', '),
  );
  const figures = (name: string, of: keyof Started): number[] =>
    rounds.map((round) => round[name]?.[of] ?? Number.NaN);
  const row = (name: string, of: keyof Started, unit: string): Row => ({
    ...{ benchmark: 'start', figure: `${name}: ${TITLES[of]}`, unit, lowerIsBetter: true },
    rounds: figures(name, of),
    limit: { of: EMPTY, rounds: figures(EMPTY, of) },
    ...(of === 'rss' && goalOf(name)),
  });
  const names = Object.keys(starts).filter((name) => name !== EMPTY);
  return names.flatMap((name) => [row(name, 'readyAfter', 'ms'), row(name, 'rss', 'MB')]);
}

/** RSS when ready, compared with an empty server of the same run. */
const GOALS: Readonly<Record<string, Goal>> = {
  receiver: atMostTimes(1.55),
  worker: atMostTimes(1.6),
  dashboard: atMostTimes(1.8),
};

function goalOf(name: string): { readonly goal?: Goal } {
  const goal = GOALS[name];
  return goal === undefined ? {} : { goal };
}

const TITLES = { readyAfter: 'ready after', rss: 'RSS when ready' } as const;

async function startsOn(testbed: ClusterTestbed): Promise<Record<string, () => Promise<Program>>> {
  const namespace = await testbed.plane.createNamespace(`bench-${testbed.next()}`);
  const kubeconfig = await testbed.plane.kubeconfig({ token: testbed.token }, namespace);
  const [operarii, jobs] = [join(testbed.folder, 'operarii'), join(testbed.folder, 'jobs')];
  await Promise.all([mkdir(operarii), mkdir(jobs)]);
  const service = (name: ServiceName, env: Record<string, string>) => () =>
    testbed.startService(name, { REDIS_URL: testbed.redis.url, ...env });
  return {
    [EMPTY]: () => startChild(testbed, 'empty-http.mjs'),
    receiver: service('receiver', {}),
    worker: service('worker', { KUBECONFIG: kubeconfig }),
    [DIRECTORY]: service('worker', {
      OPENFERO_CLUSTER: 'directory',
      ...{ OPENFERO_OPERARII_DIR: operarii, OPENFERO_JOBS_DIR: jobs },
    }),
    dashboard: service('dashboard', {}),
  };
}

async function startOnce(begin: () => Promise<Program>): Promise<Started> {
  const program = await begin();
  const rss = rssOf(program.pid) / 1e6;
  await program.stop();
  return { readyAfter: program.readyAfter, rss };
}
