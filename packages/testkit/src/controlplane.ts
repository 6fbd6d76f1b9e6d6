import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueServerCertificate, writeKey } from './controlplane/certificates.ts';
import { type Cluster, openCluster, writeKubeconfig } from './controlplane/cluster.ts';
import {
  type Addresses,
  apiServerFlags,
  controllerManagerFlags,
  etcdFlags,
} from './controlplane/components.ts';
import { type Part, startPart } from './controlplane/part.ts';
import { freePorts } from './controlplane/ports.ts';
import { startWatchdog, type Watchdog } from './controlplane/watchdog.ts';
import { type ControlPlaneTools, controlPlaneTools } from './gotools.ts';
import { until } from './until.ts';

export { type Cluster, openCluster } from './controlplane/cluster.ts';
export { endJob, finishJob } from './controlplane/jobs.ts';
export { configMapsPath, itemsOf, jobsPath } from './controlplane/paths.ts';
export { at } from './controlplane/request.ts';
export { missingControlPlane } from './gotools.ts';

const READY_WITHIN_MS = 60_000;

export interface ControlPlaneOptions {
  /** False: no kube-controller-manager, so Jobs start no Pods. */
  readonly controllers?: boolean;
  /** Additional flags of the API server, such as `--max-requests-inflight=1`. */
  readonly apiServerFlags?: readonly string[];
}

export interface ControlPlane extends Cluster {
  /** Process ids by program; empty after `stop`. */
  pids(): Readonly<Record<string, number>>;
  /** Sends SIGKILL. The data remain, and nothing else uses the port. */
  killApiServer(): Promise<void>;
  /** Starts it at the same address. Resolves when it is ready. */
  startApiServer(): Promise<void>;
  /** Stops everything and removes the folder. A second call does nothing. */
  stop(): Promise<void>;
}

/**
 * Starts a real etcd, kube-apiserver and kube-controller-manager on the loopback interface, with one
 * folder for all their files. They end with this process, even if it is killed (watchdog.ts).
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const tools = await controlPlaneTools();
  const folder = await mkdtemp(join(tmpdir(), 'openfero-controlplane-'));
  const parts = createParts(folder, startWatchdog(folder));
  try {
    const addresses = await prepare(folder, tools);
    const cluster = await openCluster(folder);
    const start = { tools, addresses, options, parts };
    await parts.start('etcd', tools.etcd, etcdFlags(addresses));
    await startApiServer(start, cluster);
    await startControllerManager(start);
    return {
      ...cluster,
      pids: parts.pids,
      killApiServer: () => parts.kill('kube-apiserver'),
      startApiServer: () => startApiServer(start, cluster),
      stop: parts.stop,
    };
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

interface Start {
  readonly tools: ControlPlaneTools;
  readonly addresses: Addresses;
  readonly options: ControlPlaneOptions;
  readonly parts: Parts;
}

/** Writes certificates, keys and addresses to the folder, for the programs and `openCluster`. */
async function prepare(folder: string, tools: ControlPlaneTools): Promise<Addresses> {
  const [apiServer = 0, etcd = 0, etcdPeer = 0] = await freePorts(3);
  await createAuthority(folder);
  await writeFile(join(folder, 'url'), `https://127.0.0.1:${apiServer}`);
  await Promise.all([
    issueServerCertificate(folder, 'apiserver'),
    writeKey(folder, 'service-accounts'),
    writeKubeconfig(folder, 'admin', { user: 'admin', groups: ['system:masters'] }),
    symlink(tools.kubectl, join(folder, 'kubectl')),
  ]);
  return { folder, apiServer, etcd, etcdPeer };
}

async function startApiServer(start: Start, cluster: Cluster): Promise<void> {
  const flags = [...apiServerFlags(start.addresses), ...(start.options.apiServerFlags ?? [])];
  await start.parts.start('kube-apiserver', start.tools.kubeApiServer, flags);
  const ready = async (): Promise<boolean> => {
    const failure = await start.parts.failure();
    if (failure !== undefined) throw new Error(failure);
    return isReady(cluster);
  };
  await until('kube-apiserver is ready', ready, READY_WITHIN_MS);
}

function isReady(cluster: Cluster): Promise<boolean> {
  return cluster.request('GET', '/readyz').then(
    (answer) => answer.status === 200,
    () => false,
  );
}

/** Requires a ready API server: it waits for one only a few seconds. */
async function startControllerManager(start: Start): Promise<void> {
  const program = start.tools.kubeControllerManager;
  if (start.options.controllers === false || program === undefined) return;
  const flags = controllerManagerFlags(start.addresses);
  await start.parts.start('kube-controller-manager', program, flags);
}

interface Parts {
  start(name: string, program: string, flags: string[]): Promise<void>;
  kill(name: string): Promise<void>;
  failure(): Promise<string | undefined>;
  pids(): Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

/** The running programs by name. Keeps the watchdog up to date. */
function createParts(folder: string, watchdog: Watchdog): Parts {
  const parts = new Map<string, Part>();
  const guard = () => watchdog.guard([...parts.values()].map((part) => part.pid));
  return {
    async start(name, program, flags) {
      if (parts.has(name)) throw new Error(`${name} is running`);
      parts.set(name, await startPart(program, flags, join(folder, `${name}.log`)));
      guard();
    },
    async kill(name) {
      await parts.get(name)?.kill();
      parts.delete(name);
      guard();
    },
    async failure() {
      const failures = await Promise.all([...parts.values()].map((part) => part.failure()));
      return failures.find((failure) => failure !== undefined);
    },
    pids: () => Object.fromEntries([...parts].map(([name, part]) => [name, part.pid])),
    async stop() {
      await Promise.all([...parts.values()].map((part) => part.kill()));
      parts.clear();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
      watchdog.dismiss();
    },
  };
}
