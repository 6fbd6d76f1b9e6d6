import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Alertmanager, startAlertmanager } from '@openfero/testkit/alertmanager';
import { type ControlPlane, startControlPlane } from '@openfero/testkit/controlplane';
import { type Service, serverOf, startService } from '@openfero/testkit/process';
import { type Proxy as Network, startProxy } from '@openfero/testkit/proxy';
import { freePort, startRedis, type TestRedis } from '@openfero/testkit/redis';
import { envOf } from '../system.ts';
import { type ApiProxy, startApiProxy } from './api-proxy.ts';
import { INSPECTABLE } from './heap.ts';
import { configMaps, NAMESPACE, SETTINGS } from './operarii.ts';

/** A service that can be killed and restarted at the same address, with its own proxy to Redis. */
export interface Member {
  readonly name: string;
  readonly url: string;
  readonly toRedis: Network;
  /** All its processes so far; the last one may be running. */
  readonly lives: readonly Service[];
  running(): Service;
  start(): Promise<void>;
}

export interface ReceiverMember extends Member {
  /** The proxy between sender and receiver. */
  readonly fromSender: Network;
}

export interface WorkerMember extends Member {
  readonly toApiServer: Network;
  /** Behind the TCP proxy; it understands the calls. */
  readonly api: ApiProxy;
}

/** All running parts: control plane, Redis, services, proxies. */
export interface Installation {
  readonly plane: ControlPlane;
  readonly redis: TestRedis;
  readonly receivers: readonly ReceiverMember[];
  readonly workers: readonly WorkerMember[];
  readonly dashboard: Member;
  readonly alertmanager: Alertmanager;
  /** The proxy between all workers and Alertmanager. */
  readonly toAlertmanager: Network;
  stop(): Promise<void>;
}

/** Nobody is notified: the sender is where the receivers' notifications come from. */
const SILENT = {
  ...{ receiverUrl: 'http://127.0.0.1:9', groupWait: '24h', groupInterval: '24h' },
  repeatInterval: '24h',
};

/** Milliseconds that the services run before Redis starts. */
const REDIS_LATE = 2000;

/** Starts everything, Redis last. */
export async function startInstallation(): Promise<Installation> {
  const plane = await startControlPlane({ controllers: false });
  // Before the port of Redis, which starts last, is chosen: it must stay free until then.
  const alertmanager = await startAlertmanager(SILENT);
  const toAlertmanager = await startProxy({ port: Number(new URL(alertmanager.url).port) });
  const port = await freePort();
  const kubeconfig = await prepare(plane);
  const asks = { OPENFERO_ALERTMANAGER_URL: `http://127.0.0.1:${toAlertmanager.port}` };
  const receivers = await Promise.all(['receiver 1', 'receiver 2'].map((n) => receiver(n, port)));
  const names = ['worker 1', 'worker 2', 'worker 3'];
  const workers = await Promise.all(
    names.map((n) => worker({ name: n, redis: port, plane, kubeconfig, env: asks })),
  );
  const dashboard = await member('dashboard', 'dashboard', port, {
    OPENFERO_DASHBOARD_READ_ONLY: 'false',
  });
  const members = [...receivers, ...workers, dashboard];
  await Promise.all(members.map((one) => one.start()));
  await sleep(REDIS_LATE);
  const redis = await startRedis({ port });
  const stop = async (): Promise<void> => {
    for (const { lives } of members) lives.at(-1)?.kill('SIGCONT');
    const codes = await Promise.all(
      members.map(async ({ name, lives }) => [name, (await lives.at(-1)?.stop())?.code] as const),
    );
    await redis.stop();
    await plane.stop();
    await alertmanager.stop();
    const proxies = [
      toAlertmanager,
      ...members.map((one) => one.toRedis),
      ...receivers.map((one) => one.fromSender),
      ...workers.flatMap((one) => [one.toApiServer, one.api]),
    ];
    await Promise.all(proxies.map((proxy) => proxy.close()));
    // A leaked timer or connection keeps a process running until it is killed.
    for (const [name, code] of codes) if (code !== 0) throw new Error(`${name} ended with ${code}`);
  };
  await Promise.all(members.map((one) => one.running().ready(30_000)));
  return { plane, redis, receivers, workers, dashboard, alertmanager, toAlertmanager, stop };
}

/** Creates the namespace, its operarii and the worker's rights. @returns the path of a kubeconfig */
async function prepare(plane: ControlPlane): Promise<string> {
  await plane.createNamespace(NAMESPACE);
  await plane.kubectl(['apply', '-n', NAMESPACE, '-f', '-'], configMaps().join('\n---\n'));
  const token = await plane.tokenFor(NAMESPACE, 'worker', 24 * 3600);
  const role = ['--clusterrole=cluster-admin', `--serviceaccount=${NAMESPACE}:worker`];
  await plane.kubectl(['create', 'rolebinding', 'worker', ...role, '-n', NAMESPACE]);
  return plane.kubeconfig({ token }, NAMESPACE);
}

async function receiver(name: string, redis: number): Promise<ReceiverMember> {
  const one = await member(name, 'receiver', redis, {});
  const fromSender = await startProxy({ port: Number(new URL(one.url).port) });
  return { ...one, fromSender };
}

interface WorkerOptions {
  readonly name: string;
  /** Its port. */
  readonly redis: number;
  readonly plane: ControlPlane;
  readonly kubeconfig: string;
  readonly env: Readonly<Record<string, string>>;
}

async function worker({
  name,
  redis,
  plane,
  kubeconfig,
  env,
}: WorkerOptions): Promise<WorkerMember> {
  const api = await startApiProxy(plane);
  const toApiServer = await startProxy({ port: api.port });
  const path = join(plane.folder, `${name.replace(' ', '-')}.kubeconfig`);
  const text = await readFile(kubeconfig, 'utf8');
  await writeFile(path, text.replace(plane.url, `https://127.0.0.1:${toApiServer.port}`));
  const one = await member(name, 'worker', redis, { KUBECONFIG: path, ...SETTINGS, ...env });
  return { ...one, api, toApiServer };
}

async function member(
  name: string,
  service: 'receiver' | 'worker' | 'dashboard',
  redis: number,
  env: Readonly<Record<string, string>>,
): Promise<Member> {
  const [port, toRedis] = await Promise.all([freePort(), startProxy({ port: redis })]);
  const lives: Service[] = [];
  return {
    name,
    url: `http://127.0.0.1:${port}`,
    toRedis,
    lives,
    running() {
      const last = lives.at(-1);
      if (last === undefined) throw new Error(`${name} is not started yet`);
      return last;
    },
    async start() {
      const to = envOf(`redis://127.0.0.1:${toRedis.port}`);
      lives.push(
        await startService(serverOf(service), {
          ...to,
          ...INSPECTABLE,
          PORT: String(port),
          ...env,
        }),
      );
    },
  };
}
