import { configMapsPath } from '@openfero/testkit/controlplane';
import { until } from '@openfero/testkit/until';
import { type Alerts, notificationsOf } from './alerts.ts';
import { apiClient, type Sender, senderTo, sendsOf } from './http.ts';
import { closedLoop } from './load.ts';
import { CONCURRENCY } from './names.ts';
import { operariiIn } from './operarii.ts';
import type { Program } from './program.ts';
import { type Queue, queueOf } from './queue.ts';
import type { ClusterTestbed, Testbed } from './testbed.ts';

/** One receiver and its workers, with their own namespace and queue prefix. */
export interface System {
  readonly receiver: Program;
  readonly workers: readonly Program[];
  readonly sender: Sender;
  readonly queue: Queue;
  readonly prefix: string;
  readonly namespace: string;
  readonly operarii: number;
  /** The queue is paused except during measurements. */
  readonly paused?: boolean;
  stop(): Promise<void>;
}

export interface SystemOptions {
  readonly workers?: number;
  readonly operarii?: number;
  /** For worker and receiver. */
  readonly env?: Readonly<Record<string, string>>;
  /** Another checkout to start the services from. */
  readonly folder?: string;
}

/** Concurrent notifications: Alertmanager sends each group on its own. */
export const SENDERS = 32;

/** Fewer if they are large: a receiver stores 800 alerts at once well within its deadline. */
const LARGE = 100;
export const sendersOf = (size: number): number => (size < LARGE ? SENDERS : SENDERS / 4);

/** Concurrent requests to the API server, of a worker and of what it is compared with. */
export const CREATES = CONCURRENCY;

/** Without controllers no Job ends: limits on active Jobs are off. */
const NO_LIMITS = {
  OPENFERO_MAX_ACTIVE_JOBS: '0',
  OPENFERO_MAX_ACTIVE_PER_OPERARIUS: '0',
  OPENFERO_MAX_WAITING: '1000000000',
};

/** Starts a system on the API server, in a namespace of its own with its operarii. */
export async function startSystem(
  testbed: ClusterTestbed,
  options: SystemOptions = {},
): Promise<System> {
  const namespace = await testbed.plane.createNamespace(`bench-${testbed.next()}`);
  await writeOperarii(testbed, namespace, options.operarii ?? 1);
  const kubeconfig = await testbed.plane.kubeconfig({ token: testbed.token }, namespace);
  const system = await startSystemOn(testbed, { kubeconfig, namespace }, options);
  await checked(testbed, system);
  return system;
}

/** A worker's way to an API server. */
export interface Target {
  readonly kubeconfig: string;
  readonly namespace: string;
}

export async function startSystemOn(
  testbed: Testbed,
  { kubeconfig, namespace }: Target,
  { workers = 1, operarii = 1, env = {}, folder }: SystemOptions,
): Promise<System> {
  const prefix = `{bench-${testbed.next()}}`;
  const common = {
    ...{ REDIS_URL: testbed.redis.url, OPENFERO_QUEUE_PREFIX: prefix, ...NO_LIMITS },
    ...{ KUBECONFIG: kubeconfig, OPENFERO_CONCURRENCY: String(CONCURRENCY) },
    ...{ OPENFERO_CONFIGMAP_NAMESPACE: namespace, ...env },
  };
  const start = (service: 'receiver' | 'worker'): Promise<Program> =>
    testbed.startService(service, common, folder);
  const receiver = await start('receiver');
  const started = await Promise.all(Array.from({ length: workers }, () => start('worker')));
  const sender = senderTo(receiver.url, SENDERS);
  testbed.defer(() => sender.close());
  return {
    ...{ receiver, sender, prefix, namespace, operarii },
    workers: started,
    queue: queueOf(testbed, prefix),
    async stop() {
      await Promise.all([receiver, ...started].map((program) => program.stop()));
    },
  };
}

/** Sends the alerts, `size` in each notification. */
export async function send(system: System, alerts: Alerts, size: number): Promise<void> {
  const bodies = notificationsOf(alerts, size);
  await closedLoop(bodies.length, sendersOf(size), sendsOf(system.sender, bodies));
}

/** Lets both processes compile their hot code before the measurement. */
export async function warmUp(testbed: Testbed, system: System, count: number): Promise<void> {
  for (const size of [1, 10]) {
    const lot = `warm-${testbed.next()}`;
    await send(system, { lot, count: count / 2, operarii: system.operarii }, size);
    await system.queue.drained();
  }
}

async function writeOperarii(
  testbed: ClusterTestbed,
  namespace: string,
  count: number,
): Promise<void> {
  const client = apiClient(testbed, CREATES);
  const bodies = operariiIn(namespace, count).map((one) => JSON.stringify(one));
  const path = configMapsPath(namespace);
  await closedLoop(count, CREATES, (index) => client.create(path, bodies[index] ?? ''));
  await client.close();
}

/** A new worker checks every operarius once. Waits until that is done. */
async function checked(testbed: Testbed, { prefix, operarii }: System): Promise<void> {
  const all = async (): Promise<boolean> =>
    (await testbed.client.hlen(`${prefix}:checks`)) >= operarii;
  await until('the worker has checked all operarii', all, 120_000);
}
