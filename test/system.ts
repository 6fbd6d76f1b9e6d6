import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type LogLine,
  type Service,
  type ServiceName,
  serverOf,
  startService,
} from '@openfero/testkit/process';
import { startRedis, type TestRedis } from '@openfero/testkit/redis';
import { until } from '@openfero/testkit/until';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Reads a file of this folder. */
export const readTestFile = (name: string): Promise<string> =>
  readFile(join(ROOT, 'test', name), 'utf8');

/** Environment of every service: a free port of the loopback interface. */
export const envOf = (redisUrl: string): Record<string, string> => ({
  REDIS_URL: redisUrl,
  HOST: '127.0.0.1',
  PORT: '0',
});

/** Redis, receivers and workers as processes, with folders in place of a cluster. */
export interface System {
  readonly redis: TestRedis;
  readonly receivers: readonly Service[];
  readonly workers: readonly Service[];
  /** Writes a file of ConfigMaps. */
  define(file: string, yaml: string): Promise<void>;
  startReceiver(env?: Record<string, string>): Promise<Service>;
  startWorker(env?: Record<string, string>): Promise<Service>;
  startDashboard(): Promise<Service>;
  /** Posts a body to a receiver, by default the first one, as Alertmanager does. */
  post(body: string, receiver?: Service): Promise<Response>;
  /** Waits until `count` remediations have ended. @returns their log lines */
  ended(count: number, timeoutMs?: number): Promise<readonly LogLine[]>;
  /** The names of the Jobs. */
  jobs(): Promise<readonly string[]>;
  readJob(name: string): Promise<string>;
}

/** What remembers to clean up: a test, or a suite that collects. */
export interface Cleanup {
  after(run: () => Promise<void>): void;
}

/**
 * Starts Redis, and creates folders for operarii (with the examples) and Jobs.
 *
 * @param redis one that runs already
 * @param redisEnv what the services are told of it, if that is more than its URL
 */
export async function startSystem(
  t: Cleanup,
  redis?: TestRedis,
  redisEnv: Readonly<Record<string, string>> = {},
): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'openfero-test-'));
  const operarii = join(folder, 'operarii');
  const jobs = join(folder, 'jobs');
  await cp(join(ROOT, 'deploy', 'examples', 'operarii'), operarii, { recursive: true });
  const server = redis ?? (await startRedis());
  const receivers: Service[] = [];
  const workers: Service[] = [];
  const dashboards: Service[] = [];
  t.after(async () => {
    await Promise.all([...receivers, ...workers, ...dashboards].map((service) => service.stop()));
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const start = async (
    into: Service[],
    service: ServiceName,
    env: Record<string, string>,
  ): Promise<Service> => {
    const started = await startService(serverOf(service), {
      ...envOf(server.url),
      ...redisEnv,
      ...env,
    });
    into.push(started);
    await started.url();
    return started;
  };
  return {
    redis: server,
    receivers,
    workers,
    define: (file, yaml) => writeFile(join(operarii, file), yaml),
    startDashboard: () => start(dashboards, 'dashboard', {}),
    startReceiver: (env = {}) => start(receivers, 'receiver', env),
    startWorker: (env = {}) =>
      start(workers, 'worker', {
        OPENFERO_CLUSTER: 'directory',
        OPENFERO_OPERARII_DIR: operarii,
        OPENFERO_JOBS_DIR: jobs,
        ...env,
      }),
    post: (body, receiver = receivers[0]) => post(body, receiver),
    ended: (count, timeoutMs) => ended(workers, count, timeoutMs),
    jobs: async () => (await readdir(jobs)).map((file) => file.replace(/\.yaml$/, '')).sort(),
    readJob: (name) => readFile(join(jobs, `${name}.yaml`), 'utf8'),
  };
}

async function post(body: string, receiver: Service | undefined): Promise<Response> {
  if (receiver === undefined) throw new Error('no receiver was started');
  const headers = { 'content-type': 'application/json' };
  return fetch(`${await receiver.url()}/alerts`, { method: 'POST', headers, body });
}

async function ended(
  workers: readonly Service[],
  count: number,
  timeoutMs = 60_000,
): Promise<readonly LogLine[]> {
  const ends: LogLine[] = [];
  const collect = (line: LogLine): boolean => {
    if (line['outcome'] !== undefined) ends.push(line);
    return ends.length >= count;
  };
  await Promise.any(workers.map((worker) => worker.waitForLine(collect, timeoutMs)));
  return ends;
}

/** Waits until all remediations have ended, by a worker's metrics. */
export function drained(worker: Service, timeoutMs: number): Promise<void> {
  const isDrained = async (): Promise<boolean> => {
    const response = await fetch(`${await worker.url()}/metrics`);
    const metrics = await response.text();
    const left = [...metrics.matchAll(/^openfero_queue_remediations{state="(\w+)"} (\d+)$/gm)]
      .filter(([, state]) => state !== 'completed' && state !== 'failed')
      .map(([, , count]) => Number(count));
    return left.length === 3 && left.every((count) => count === 0);
  };
  return until('the queue is drained', isDrained, timeoutMs);
}

/** A notification of firing alerts, each with its own labels. */
export function notificationOf(
  alerts: readonly Readonly<Record<string, string>>[],
  over: Record<string, unknown> = {},
): string {
  return JSON.stringify({
    version: '4',
    groupKey: '{}:{}',
    status: 'firing',
    externalURL: 'http://alertmanager.example.com',
    alerts: alerts.map((labels) => ({
      status: 'firing',
      labels,
      annotations: {},
      startsAt: '2026-11-22T04:34:40.113210877Z',
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL: '',
      ...over,
    })),
  });
}
