import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { serverOf } from '@openfero/testkit/process';
import { type Benchmark, inRounds, type Run } from '../benchmark.ts';
import { type ClusterBed, withCluster } from '../parts/bed.ts';
import { startChild } from '../parts/child.ts';
import type { Program } from '../parts/program.ts';
import { rssOf } from '../parts/usage.ts';
import { atMost, type Row } from '../row.ts';

/** From a process' start until it is ready, and what it holds then. */
export const start: Benchmark = {
  name: 'start',
  title: 'from the start of a process until it is ready',
  run: (run) => withCluster((bed) => measure(run, bed)),
};

const EMPTY = 'empty Fastify';
const DIRECTORY = 'worker over directories';

interface Started {
  /** Milliseconds. */
  readonly readyAfter: number;
  /** Megabytes. */
  readonly rss: number;
}

async function measure(run: Run, bed: ClusterBed): Promise<Row[]> {
  const starts = await startsOn(bed);
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
    ...(name === DIRECTORY && of === 'rss' && { goal: atMost(140, ' MB') }),
  });
  const names = Object.keys(starts).filter((name) => name !== EMPTY);
  return names.flatMap((name) => [row(name, 'readyAfter', 'ms'), row(name, 'rss', 'MB')]);
}

const TITLES = { readyAfter: 'ready after', rss: 'RSS when ready' } as const;

async function startsOn(bed: ClusterBed): Promise<Record<string, () => Promise<Program>>> {
  const namespace = await bed.plane.createNamespace(`bench-${bed.next()}`);
  const kubeconfig = await bed.plane.kubeconfig({ token: bed.token }, namespace);
  const [operarii, jobs] = [join(bed.folder, 'operarii'), join(bed.folder, 'jobs')];
  await Promise.all([mkdir(operarii), mkdir(jobs)]);
  const service = (name: Parameters<typeof serverOf>[0], env: Record<string, string>) => () =>
    bed.start({ file: serverOf(name), env: { REDIS_URL: bed.redis.url, ...env } });
  return {
    [EMPTY]: () => startChild(bed, 'empty-fastify'),
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
