import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { QUEUE, type Remediation } from '@openfero/core/redis/remediation';
import { type State, stateKey } from '@openfero/core/redis/states';
import type { Logger } from '@openfero/service/log';
import { definition } from '@openfero/testkit/operarii';
import { queued } from '@openfero/testkit/remediations';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import type { QueueEntry } from '../src/redis/take-place.ts';
import { readSettings } from '../src/settings.ts';
import { type RunningWorker, startWorker } from '../src/worker.ts';

export type Line = Readonly<Record<string, unknown>> & { readonly msg: string };

/** Two folders and a queue of their own in a real Redis, with or without a worker. */
export interface Sandbox {
  readonly prefix: string;
  readonly redis: Redis;
  readonly queue: Queue;
  readonly operariiDir: string;
  readonly jobsDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Writes a file of ConfigMaps: those given as text, or one that runs a Job for the alertname. */
  define(alertname: string, yaml?: string): Promise<void>;
  /** Queues as the receiver does. @returns its id */
  add(remediation: Remediation): Promise<string>;
  /** Locks a remediation as BullMQ does for the attempt of a worker. */
  lock(remediation: Remediation): Promise<QueueEntry>;
  /** Writes the latest received state of the alert as the receiver does. */
  receive(remediation: Remediation, state: Partial<State>): Promise<void>;
  jobs(): Promise<readonly string[]>;
  readJob(name: string): Promise<string>;
}

export async function createSandbox(t: TestContext, redisUrl: string): Promise<Sandbox> {
  const folder = await mkdtemp(join(tmpdir(), 'openfero-worker-'));
  const operariiDir = join(folder, 'operarii');
  const jobsDir = join(folder, 'jobs');
  await mkdir(operariiDir);
  const prefix = `{${randomUUID()}}`;
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue(QUEUE, { connection: redis, prefix, skipVersionCheck: true });
  for (const each of [redis, queue]) each.on('error', () => {});
  t.after(async () => {
    await queue.close();
    redis.disconnect();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    ...{ prefix, redis, queue, operariiDir, jobsDir },
    env: {
      REDIS_URL: redisUrl,
      HOST: '127.0.0.1',
      PORT: '0',
      OPENFERO_QUEUE_PREFIX: prefix,
      OPENFERO_CLUSTER: 'directory',
      OPENFERO_OPERARII_DIR: operariiDir,
      OPENFERO_JOBS_DIR: jobsDir,
    },
    define: (alertname, yaml = definition(alertname)) =>
      writeFile(join(operariiDir, `${alertname}.yaml`), yaml),
    async add(remediation) {
      const { name, data, opts } = queued(remediation);
      return String((await queue.add(name, data, opts)).id);
    },
    async lock({ id }) {
      const entry = { key: `${prefix}:${QUEUE}:${id}`, token: randomUUID() };
      await redis.set(`${entry.key}:lock`, entry.token);
      return entry;
    },
    async receive({ alert, receivedAt }, over) {
      const { status, startsAt, endsAt } = alert;
      const state = { receivedAt, status, startsAt, endsAt, ...over };
      await redis.set(stateKey(prefix, alert), JSON.stringify(state));
    },
    jobs: async () =>
      (await readdir(jobsDir))
        .filter((file) => file.endsWith('.yaml'))
        .map((file) => file.replace(/\.yaml$/, ''))
        .sort(),
    readJob: (name) => readFile(join(jobsDir, `${name}.yaml`), 'utf8'),
  };
}

/** A worker of this process, put together as the service's own. */
export interface TestWorker {
  readonly url: string;
  readonly lines: readonly Line[];
  /** The first line, past or to come, that the predicate takes. */
  line(predicate: (line: Line) => boolean): Promise<Line>;
  /** Waits for the end of a remediation. @returns its line in the log */
  end(remediation: string): Promise<Line>;
  /** The value of one line of /metrics, by all that stands before it; NaN where there is none. */
  metric(line: string): Promise<number>;
  stop(): Promise<void>;
}

export async function runWorker(
  t: TestContext,
  sandbox: Sandbox,
  env: Readonly<Record<string, string>> = {},
): Promise<TestWorker> {
  const { lines, events, log } = recordingLog();
  const { url, steps } = await startWorker(readSettings({ ...sandbox.env, ...env }), log);
  const stop = stopper(steps);
  t.after(stop);
  const line: TestWorker['line'] = async (predicate) => {
    for (let next = 0; ; next++) {
      while (next >= lines.length) {
        await once(events, 'line', { signal: AbortSignal.timeout(30_000) });
      }
      const found = lines[next];
      if (found !== undefined && predicate(found)) return found;
    }
  };
  return {
    ...{ url, lines, line, stop },
    end: (id) => line((each) => each['remediation'] === id && each['outcome'] !== undefined),
    async metric(name) {
      const text = await (await fetch(`${url}/metrics`)).text();
      const wanted = inOrder(name);
      const found = text.split('\n').find((each) => inOrder(each).startsWith(`${wanted} `));
      return found === undefined ? Number.NaN : Number(found.slice(wanted.length));
    },
  };
}

/** A line of /metrics with its labels by name: their order means nothing. */
function inOrder(line: string): string {
  return line.replace(/\{(.*)\}/, (_all, labels) => `{${String(labels).split(',').sort().join()}}`);
}

export function recordingLog(): { lines: Line[]; events: EventEmitter; log: Logger } {
  const lines: Line[] = [];
  const events = new EventEmitter().setMaxListeners(0);
  const log = pino(
    { formatters: { level: (level) => ({ level }) } },
    {
      write(text) {
        lines.push(JSON.parse(text));
        events.emit('line');
      },
    },
  );
  return { lines, events, log };
}

function stopper(steps: RunningWorker['steps']): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    for (const [, close] of steps) await close();
  };
  return () => {
    stopping ??= stop();
    return stopping;
  };
}
