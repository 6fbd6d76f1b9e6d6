import { configMapsPath } from '@openfero/testkit/controlplane';
import { serverOf } from '@openfero/testkit/process';
import { until } from '@openfero/testkit/until';
import { type Alerts, notificationsOf } from './alerts.ts';
import type { Bed, ClusterBed } from './bed.ts';
import { apiClient, type Sender, senderTo, sendsOf } from './http.ts';
import { closedLoop } from './load.ts';
import { CONCURRENCY } from './names.ts';
import { operariiIn } from './operarii.ts';
import type { Program } from './program.ts';
import { type Queue, queueOf } from './queue.ts';

/** One receiver and its workers over a namespace and a prefix of their own. */
export interface System {
  readonly receiver: Program;
  readonly workers: readonly Program[];
  readonly sender: Sender;
  readonly queue: Queue;
  readonly prefix: string;
  readonly namespace: string;
  readonly operarii: number;
  /** Its queue is paused, and goes on only while it is measured. */
  readonly paused?: boolean;
  stop(): Promise<void>;
}

export interface SystemOptions {
  readonly workers?: number;
  readonly operarii?: number;
  /** Of the worker and of the receiver. */
  readonly env?: Readonly<Record<string, string>>;
  /** Another checkout whose services are started. */
  readonly folder?: string;
}

/** Alertmanager sends each group by itself: this many notifications are on their way at once. */
export const SENDERS = 32;

/** The same for large ones: 800 alerts at once are as many as a receiver stores well within its deadline. */
const LARGE = 100;
export const sendersOf = (size: number): number => (size < LARGE ? SENDERS : SENDERS / 4);

/** What a worker has in flight at the API server by default; so has whatever it is compared with. */
export const CREATES = CONCURRENCY;

/** Limits of active Jobs off: without controllers no Job ever ends. */
const NO_LIMITS = {
  OPENFERO_MAX_ACTIVE_JOBS: '0',
  OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '0',
  OPENFERO_MAX_WAITING: '1000000000',
};

/** Over the API server, in a namespace of its own with that many operarii. */
export async function startSystem(bed: ClusterBed, options: SystemOptions = {}): Promise<System> {
  const namespace = await bed.plane.createNamespace(`bench-${bed.next()}`);
  await writeOperarii(bed, namespace, options.operarii ?? 1);
  const kubeconfig = await bed.plane.kubeconfig({ token: bed.token }, namespace);
  const system = await startOver(bed, { kubeconfig, namespace }, options);
  await checked(bed, system);
  return system;
}

/** What a worker finds its API server by. */
export interface Target {
  readonly kubeconfig: string;
  readonly namespace: string;
}

export async function startOver(
  bed: Bed,
  { kubeconfig, namespace }: Target,
  { workers = 1, operarii = 1, env = {}, folder }: SystemOptions,
): Promise<System> {
  const prefix = `{bench-${bed.next()}}`;
  const common = {
    ...{ REDIS_URL: bed.redis.url, OPENFERO_QUEUE_PREFIX: prefix, ...NO_LIMITS },
    ...{ KUBECONFIG: kubeconfig, OPENFERO_CONCURRENCY: String(CONCURRENCY) },
    ...{ OPENFERO_CONFIGMAP_NAMESPACE: namespace, ...env },
  };
  const start = (service: 'receiver' | 'worker'): Promise<Program> =>
    bed.start({ file: serverOf(service, folder), env: common });
  const receiver = await start('receiver');
  const started = await Promise.all(Array.from({ length: workers }, () => start('worker')));
  const sender = senderTo(receiver.url, SENDERS);
  bed.defer(() => sender.close());
  return {
    ...{ receiver, sender, prefix, namespace, operarii },
    workers: started,
    queue: queueOf(bed, prefix),
    async stop() {
      await Promise.all([receiver, ...started].map((program) => program.stop()));
    },
  };
}

/** Sends the alerts, so many in each notification. */
export async function send(system: System, alerts: Alerts, size: number): Promise<void> {
  const bodies = notificationsOf(alerts, size);
  await closedLoop(bodies.length, sendersOf(size), sendsOf(system.sender, bodies));
}

/** Has both processes compile what is hot, before a clock is started. */
export async function warmUp(bed: Bed, system: System, count: number): Promise<void> {
  for (const size of [1, 10]) {
    const lot = `warm-${bed.next()}`;
    await send(system, { lot, count: count / 2, operarii: system.operarii }, size);
    await system.queue.drained();
  }
}

async function writeOperarii(bed: ClusterBed, namespace: string, count: number): Promise<void> {
  const client = apiClient(bed, CREATES);
  const bodies = operariiIn(namespace, count).map((one) => JSON.stringify(one));
  const path = configMapsPath(namespace);
  await closedLoop(count, CREATES, (index) => client.create(path, bodies[index] ?? ''));
  await client.close();
}

/** A worker that has just started tries every operarius once: that is over before the first round. */
async function checked(bed: Bed, { prefix, operarii }: System): Promise<void> {
  const all = async (): Promise<boolean> => (await bed.client.hlen(`${prefix}:checks`)) >= operarii;
  await until('the worker has checked all operarii', all, 120_000);
}
