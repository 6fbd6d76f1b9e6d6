import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '@openfero/testkit/controlplane';
import { type ServiceName, serverOf } from '@openfero/testkit/process';
import { freePort, startRedis, type TestRedis } from '@openfero/testkit/redis';
import { Redis } from 'ioredis';
import { asInTheImage, compile } from './image.ts';
import { type Program, type ProgramOptions, startProgram } from './program.ts';
import type { Pids } from './usage.ts';

/** What one benchmark runs on. It stops everything that was started on it. */
export interface Testbed {
  readonly redis: TestRedis;
  /** For files; removed with the testbed. */
  readonly folder: string;
  /** A connection to observe Redis. */
  readonly client: Redis;
  readonly redisPid: number;
  /** Starts a program with the memory of a worker. */
  start(options: Pick<ProgramOptions, 'file' | 'env' | 'args'>): Promise<Program>;
  /**
   * Starts a service with its own memory.
   *
   * @param checkout another one to start it from
   */
  startService(
    service: ServiceName,
    env: ProgramOptions['env'],
    checkout?: string,
  ): Promise<Program>;
  /** Runs when the testbed is closed, in reverse order. */
  defer(close: () => unknown): void;
  /** A new number each time, for names. */
  next(): number;
}

export interface ClusterTestbed extends Testbed {
  readonly plane: ControlPlane;
  /** Of Redis and of the control plane. */
  readonly pids: Pids;
  /** The token of a ServiceAccount, for clients of the API server. */
  readonly token: string;
}

/** Redis in the temporary folder, with an append-only file that is synced after every command. */
export async function withTestbed<T>(work: (testbed: Testbed) => Promise<T>): Promise<T> {
  const closing: (() => unknown)[] = [];
  try {
    return await work(await openTestbed((close) => void closing.push(close)));
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/**
 * Redis and a control plane without controllers: these would start Pods and compete for the cores with
 * what is measured.
 */
export function withClusterTestbed<T>(work: (testbed: ClusterTestbed) => Promise<T>): Promise<T> {
  return withTestbed(async (testbed) => {
    const plane = await startControlPlane({ controllers: false });
    testbed.defer(() => plane.stop());
    const token = await plane.tokenFor('default', 'bench');
    await allow(plane);
    const { etcd = 0, 'kube-apiserver': apiServer = 0 } = plane.pids();
    const pids = { Redis: testbed.redisPid, 'API server': apiServer, etcd };
    return work({ ...testbed, plane, token, pids });
  });
}

async function openTestbed(defer: Testbed['defer']): Promise<Testbed> {
  const folder = await mkdtemp(join(tmpdir(), 'openfero-bench-'));
  defer(() => rm(folder, { recursive: true, force: true }));
  const redis = await startRedis();
  defer(() => redis.stop());
  const client = new Redis(redis.url);
  // Redis stops before this connection.
  client.on('error', () => {});
  defer(() => client.disconnect());
  let numbers = 0;
  const next = (): number => ++numbers;
  const start = async (options: Omit<ProgramOptions, 'port' | 'log'>): Promise<Program> => {
    const log = join(folder, `${next()}.log`);
    const program = await startProgram({ ...options, log, port: await freePort() });
    defer(program.stop);
    return program;
  };
  const compiled = new Set<string>();
  return {
    redis,
    folder,
    client,
    redisPid: Number(/^process_id:(\d+)/m.exec(await client.info('server'))?.[1]),
    defer,
    next,
    start: (options) =>
      start({ ...options, env: { ...asInTheImage('worker', folder), ...options.env } }),
    startService(service, env, checkout) {
      const file = serverOf(service, checkout);
      const image = asInTheImage(service, folder);
      if (!compiled.has(file)) compile(file, image);
      compiled.add(file);
      return start({ file, env: { ...image, ...env } });
    },
  };
}

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
  if (answer.status !== 201)
    throw new Error(`the rights of the benchmark could not be created: ${answer.status}`);
}
