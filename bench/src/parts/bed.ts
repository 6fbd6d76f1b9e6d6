import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '@openfero/testkit/controlplane';
import { freePort, startRedis, type TestRedis } from '@openfero/testkit/redis';
import { Redis } from 'ioredis';
import { type Program, type ProgramOptions, startProgram } from './program.ts';
import type { Pids } from './usage.ts';

/** What one benchmark runs on. Everything that was started on it ends with it. */
export interface Bed {
  readonly redis: TestRedis;
  /** For files; goes away with the bed. */
  readonly folder: string;
  /** Our own connection, for looking on. */
  readonly client: Redis;
  readonly redisPid: number;
  start(options: Pick<ProgramOptions, 'file' | 'env' | 'args'>): Promise<Program>;
  /** Runs when the bed is closed, the last one first. */
  defer(close: () => unknown): void;
  /** Another number each time: for names. */
  next(): number;
}

export interface ClusterBed extends Bed {
  readonly plane: ControlPlane;
  /** Of Redis and of the control plane. */
  readonly pids: Pids;
  /** What clients of the API server say they are: a ServiceAccount, as in a cluster. */
  readonly token: string;
}

/** Redis with an append-only file that is written at every command, in the temporary folder. */
export async function withBed<T>(work: (bed: Bed) => Promise<T>): Promise<T> {
  const closing: (() => unknown)[] = [];
  try {
    return await work(await openBed((close) => void closing.push(close)));
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/**
 * Redis and a control plane. It has no controllers: these would make pods of the Jobs and, on the same
 * cores, take from whoever is measured then.
 */
export function withCluster<T>(work: (bed: ClusterBed) => Promise<T>): Promise<T> {
  return withBed(async (bed) => {
    const plane = await startControlPlane({ controllers: false });
    bed.defer(() => plane.stop());
    const token = await plane.tokenFor('default', 'bench');
    await allow(plane);
    const { etcd = 0, 'kube-apiserver': apiServer = 0 } = plane.pids();
    const pids = { Redis: bed.redisPid, 'API server': apiServer, etcd };
    return work({ ...bed, plane, token, pids });
  });
}

async function openBed(defer: Bed['defer']): Promise<Bed> {
  const folder = await mkdtemp(join(tmpdir(), 'openfero-bench-'));
  defer(() => rm(folder, { recursive: true, force: true }));
  const redis = await startRedis();
  defer(() => redis.stop());
  const client = new Redis(redis.url);
  // At the end Redis goes away under it.
  client.on('error', () => {});
  defer(() => client.disconnect());
  let numbers = 0;
  const next = (): number => ++numbers;
  return {
    redis,
    folder,
    client,
    redisPid: Number(/^process_id:(\d+)/m.exec(await client.info('server'))?.[1]),
    defer,
    next,
    async start(options) {
      const log = join(folder, `${next()}.log`);
      const env = { ...asInTheImage(folder), ...options.env };
      const program = await startProgram({ ...options, env, log, port: await freePort() });
      defer(program.stop);
      return program;
    },
  };
}

/**
 * What deploy/Dockerfile makes of a container with 384 MiB, for the programs beside ours too: left to
 * itself V8 lets garbage lie by the memory of the machine.
 */
const asInTheImage = (folder: string): Readonly<Record<string, string>> => ({
  NODE_ENV: 'production',
  NODE_OPTIONS: '--max-old-space-size=153 --max-semi-space-size=16',
  NODE_COMPILE_CACHE: join(folder, 'compiled'),
});

async function allow(plane: ControlPlane): Promise<void> {
  const answer = await plane.request(
    'POST',
    '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    {
      metadata: { name: 'bench' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'cluster-admin',
      },
      subjects: [{ kind: 'ServiceAccount', name: 'bench', namespace: 'default' }],
    },
  );
  if (answer.status !== 201) throw new Error(`no rights for the bench: ${answer.status}`);
}
