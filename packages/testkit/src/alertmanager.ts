import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './controlplane/ports.ts';
import { spawnBound } from './process.ts';
import { findProgram } from './program.ts';
import { until } from './until.ts';

export interface AlertmanagerOptions {
  /** The URL of its only webhook. */
  readonly receiverUrl: string;
  /** Durations as Prometheus writes them. */
  readonly groupWait: string;
  readonly groupInterval: string;
  readonly repeatInterval: string;
  /** The running members of its cluster, none for the first. Undefined: no cluster. */
  readonly peers?: readonly Alertmanager[];
  /** As in its configuration. */
  readonly inhibitRules?: readonly object[];
}

/** Its whole configuration, in place of what the options say. */
export interface AlertmanagerConfiguration {
  readonly config: string;
  readonly peers?: undefined;
}

export interface Alertmanager {
  readonly url: string;
  /** The address for its peers, if it is in a cluster. */
  readonly clusterAddress: string;
  /** Posts alerts as Prometheus does. @throws if they are refused */
  post(alerts: readonly PostedAlert[]): Promise<void>;
  /** Silences the alerts whose labels are these. @returns the id of the silence */
  silence(labels: Readonly<Record<string, string>>): Promise<string>;
  /** One of its metrics, summed over the series whose labels contain the text. */
  metric(name: string, labels?: string): Promise<number>;
  /** Waits until it has found its peers and sends notifications. */
  settled(): Promise<void>;
  /** Sends SIGKILL: it forgets its alerts. */
  kill(): Promise<void>;
  /** Starts it again at the same address, after `kill`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** An alert of its API v2. Without `endsAt` it fires until Alertmanager's resolve_timeout. */
export interface PostedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly startsAt?: string;
  readonly endsAt?: string;
}

const READY_WITHIN_MS = 15_000;

/**
 * Starts a real Alertmanager with one route, groups by alertname, and one webhook that also receives
 * resolved alerts. It uses free ports and a folder of its own, and ends with this process.
 *
 * @throws if it is missing or does not start
 */
export async function startAlertmanager(
  options: AlertmanagerOptions | AlertmanagerConfiguration,
): Promise<Alertmanager> {
  const program = findAlertmanager();
  if (program === undefined) throw new Error(MISSING);
  const dir = await mkdtemp(join(tmpdir(), 'openfero-alertmanager-'));
  const [web = 0, cluster = 0] = await freePorts(2);
  const config = join(dir, 'alertmanager.yml');
  await writeFile(config, 'config' in options ? options.config : configOf(options));
  const clusterAddress = `127.0.0.1:${cluster}`;
  const url = `http://127.0.0.1:${web}`;
  const run = async (): Promise<ChildProcess> => {
    const started = spawnBound(program, [
      `--config.file=${config}`,
      `--storage.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${web}`,
      ...(options.peers === undefined ? ALONE : memberOf(options.peers, clusterAddress)),
    ]);
    await readyOrEnded(started, url);
    return started;
  };
  let child = await run().catch(async (error: unknown) => {
    await rm(dir, { recursive: true, force: true });
    throw error;
  });
  return {
    ...{ url, clusterAddress, ...clientOf(url) },
    kill: () => end(child),
    async restart() {
      child = await run();
    },
    async stop() {
      await end(child);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** @throws with its last words if it does not start; then it has ended */
async function readyOrEnded(child: ChildProcess, url: string): Promise<void> {
  const log = collect(child);
  try {
    await poll(`${url}/-/ready`, child);
  } catch (error) {
    await end(child);
    throw new Error(`Alertmanager did not start: ${String(error)}\n${log.slice(-5).join('\n')}`);
  }
}

const ALONE = ['--cluster.listen-address='];

/**
 * A peer waits for its position times `peer-timeout` before it notifies. Here that is next to nothing, so
 * that all peers send the same notification: the worst case for a receiver. The short gossip interval
 * lets them find each other in half a second instead of six.
 */
function memberOf(peers: readonly Alertmanager[], address: string): string[] {
  return [
    `--cluster.listen-address=${address}`,
    `--cluster.advertise-address=${address}`,
    '--cluster.peer-timeout=1ms',
    '--cluster.gossip-interval=50ms',
    ...peers.map((peer) => `--cluster.peer=${peer.clusterAddress}`),
  ];
}

/** JSON is YAML. */
function configOf(options: AlertmanagerOptions): string {
  const { receiverUrl: url, groupWait, groupInterval, repeatInterval } = options;
  return JSON.stringify({
    route: {
      receiver: 'openfero',
      group_by: ['alertname'],
      group_wait: groupWait,
      group_interval: groupInterval,
      repeat_interval: repeatInterval,
    },
    inhibit_rules: options.inhibitRules ?? [],
    receivers: [{ name: 'openfero', webhook_configs: [{ url, send_resolved: true }] }],
  });
}

type Client = Pick<Alertmanager, 'post' | 'silence' | 'metric' | 'settled'>;

function clientOf(url: string): Client {
  const postTo = async (path: string, body: unknown): Promise<string> => {
    const response = await fetch(`${url}/api/v2/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`Alertmanager answered ${response.status}: ${answer}`);
    return answer;
  };
  return {
    async post(alerts) {
      await postTo('alerts', alerts);
    },
    async silence(labels) {
      const now = Date.now();
      const answer: unknown = JSON.parse(
        await postTo('silences', {
          matchers: Object.entries(labels).map(([name, value]) => ({
            ...{ name, value, isRegex: false },
          })),
          startsAt: new Date(now).toISOString(),
          endsAt: new Date(now + 3_600_000).toISOString(),
          ...{ createdBy: 'test', comment: 'test' },
        }),
      );
      return String(Object(answer)['silenceID']);
    },
    async metric(name, labels = '') {
      const text = await (await fetch(`${url}/metrics`)).text();
      return text
        .split('\n')
        .filter((line) => /^[^ {]+/.exec(line)?.[0] === name && line.includes(labels))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    },
    async settled() {
      const status = async (): Promise<string> =>
        (await (await fetch(`${url}/api/v2/status`)).text()).replace(/"config":.*/s, '');
      await until('Alertmanager has settled', async () =>
        (await status()).includes('"status":"ready"'),
      );
    },
  };
}

function poll(url: string, child: ChildProcess): Promise<void> {
  const ready = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    return fetch(url).then(
      (response) => response.ok,
      () => false,
    );
  };
  return until('Alertmanager is ready', ready, READY_WITHIN_MS);
}

/** Reads the output even if nobody needs it: a full pipe would block the process. */
function collect(child: ChildProcess): readonly string[] {
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (data) => log.push(...String(data).trimEnd().split('\n')));
  }
  return log;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/**
 * Why there is no Alertmanager, in one line for the user; undefined if there is one. Looks on PATH, and
 * installs it with apt-get if possible.
 */
export function missingAlertmanager(): string | undefined {
  return findAlertmanager() === undefined ? MISSING : undefined;
}

const MISSING =
  'no Alertmanager: put alertmanager on PATH (Debian: apt-get install prometheus-alertmanager, macOS: brew install alertmanager, else https://prometheus.io/download)';

/** Debian calls it by the longer name. */
const findAlertmanager = (): string | undefined =>
  findProgram(['alertmanager', 'prometheus-alertmanager'], 'prometheus-alertmanager');
