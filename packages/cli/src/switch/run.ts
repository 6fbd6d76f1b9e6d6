import { setTimeout as delay } from 'node:timers/promises';
import type { SwitchInCluster } from '@openfero/cluster/kubernetes/on-demand';
import { readGlobalSwitch } from '@openfero/core/operarius/global-switch';
import type { Mode } from '@openfero/core/operarius/policy';
import { type ClusterOptions, withCluster } from '../cluster.ts';
import { type OpenRedis, withRedis } from '../redis.ts';
import { environmentOf } from '../settings.ts';
import { CouldNotAsk, NO, type Terminal, YES } from '../terminal.ts';
import { type InForce, isAlive, isInForce, readWorkers, type WorkerState } from './workers.ts';

/** What can be asked of `openfero stop`, `resume` and `status`. */
export interface SwitchOptions extends ClusterOptions {
  readonly envFile?: string;
  readonly dryRun?: boolean;
  /** Seconds. */
  readonly timeout: string;
}

/** Milliseconds between two questions to Redis. A worker has the switch within 5 s, and says so at once. */
const ASK_INTERVAL = 250;

/**
 * Writes the switch, and waits until every worker says that it has it.
 *
 * @returns 0 only then; 1 where a worker does not say so
 * @throws {CouldNotAsk} where it could not be written, or nobody could be asked
 */
export async function runSwitch(
  wanted: 'run' | 'off',
  options: SwitchOptions,
  terminal: Terminal,
): Promise<number> {
  const env = await environmentOf(terminal, options.envFile);
  const namespace = await namespaceOf(options, env);
  await withSwitch({ ...options, namespace }, env, async (cluster) => {
    await cluster.write(wanted, { dryRun: options.dryRun === true });
    if (options.dryRun) return;
    const { mode, reason } = readGlobalSwitch(await cluster.read());
    if (mode !== wanted)
      throw new CouldNotAsk(`written, but the ConfigMap openfero says ${mode}: ${reason}`);
  });
  const written = `ConfigMap ${namespace}/openfero, openfero.io/mode: ${wanted}`;
  if (options.dryRun) {
    terminal.out(`would be written: ${written}`);
    return YES;
  }
  terminal.err(`written: ${written}`);
  return withRedis(env, (open) =>
    waitForWorkers(open, { wanted, namespace, options }, terminal),
  ).catch((error: unknown) => {
    if (!(error instanceof CouldNotAsk)) throw error;
    throw new CouldNotAsk(
      `the switch is written, but the workers could not be asked whether they have it: ${error.message}. ${howToLook(wanted, namespace)}`,
    );
  });
}

/** One worker records the Event, and each logs a line. */
function howToLook(wanted: 'run' | 'off', namespace: string): string {
  const event = wanted === 'off' ? 'SwitchedOff' : 'SwitchedOn';
  return `Look at the log of each worker (OpenFero is ${wanted === 'off' ? 'off' : 'on'}); the Event ${event} says that one of them has it: kubectl -n ${namespace} describe configmap openfero`;
}

interface Waiting {
  readonly wanted: Mode;
  readonly namespace: string;
  readonly options: Pick<SwitchOptions, 'timeout'>;
}

async function waitForWorkers(
  open: OpenRedis,
  { wanted, namespace, options }: Waiting,
  terminal: Terminal,
): Promise<number> {
  const until = performance.now() + secondsOf(options.timeout) * 1000;
  for (;;) {
    const workers = await readWorkers(open);
    const inForce = isInForce(workers, wanted, namespace);
    const isLast = performance.now() >= until || inForce.kind !== 'not-yet';
    if (isLast) return told(inForce, wanted, terminal);
    await delay(ASK_INTERVAL);
  }
}

function told(inForce: InForce, wanted: Mode, terminal: Terminal): number {
  if (inForce.kind === 'everywhere') {
    const effect = wanted === 'off' ? 'none creates Jobs' : 'they create Jobs';
    const { count } = inForce;
    terminal.out(
      `in force on ${count === 1 ? 'the only worker' : `all ${count} workers`}: ${effect}`,
    );
    return YES;
  }
  for (const line of problemsOf(inForce)) terminal.err(line);
  terminal.out('not in force on every worker');
  return NO;
}

function problemsOf(inForce: Exclude<InForce, { kind: 'everywhere' }>): readonly string[] {
  return inForce.kind === 'not-yet' ? inForce.missing : inForce.problems;
}

/** What the switch says, and what each worker says of it. @returns 0 where all workers create Jobs */
export async function runStatus(
  options: SwitchOptions & { readonly output: 'human' | 'json' },
  terminal: Terminal,
): Promise<number> {
  const env = await environmentOf(terminal, options.envFile);
  const namespace = await namespaceOf(options, env);
  const configured = await withSwitch({ ...options, namespace }, env, async (cluster) =>
    readGlobalSwitch(await cluster.read()),
  );
  const workers = await withRedis(env, readWorkers);
  const own = workers.filter((worker) => worker.namespace === namespace);
  if (options.output === 'json') {
    terminal.out(JSON.stringify({ namespace, switch: configured, workers: own }, null, 2));
  } else {
    terminal.out(`switch in ${namespace}: ${configured.mode} (${configured.reason})`);
    for (const worker of own) terminal.out(lineOf(worker));
    if (own.length === 0) terminal.out('no worker');
  }
  return isInForce(workers, 'run', namespace).kind === 'everywhere' ? YES : NO;
}

function lineOf(worker: WorkerState): string {
  const { name, mode, source, age, version } = worker;
  const seconds = `${Math.round(age / 1000)} s ago`;
  return isAlive(worker)
    ? `worker ${name}: ${mode} (${source}), ${seconds}, version ${version}`
    : `worker ${name}: silent since ${seconds}`;
}

function secondsOf(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new CouldNotAsk(`--timeout ${text}: write seconds`);
}

/** The wrong namespace would look like a stop and be none: it is never guessed. */
async function namespaceOf(
  { namespace }: Pick<SwitchOptions, 'namespace'>,
  env: Terminal['env'],
): Promise<string> {
  const named = namespace ?? (env['OPENFERO_CONFIGMAP_NAMESPACE'] || undefined);
  const read = env['REDIS_URL'] === undefined ? [] : await workersNamespaces(env, named);
  if (named === undefined) {
    const [only, second] = read;
    if (only !== undefined && second === undefined) return only;
    throw new CouldNotAsk('in which namespace are the operarii? Name it with -n');
  }
  if (read.length > 0 && !read.includes(named)) {
    throw new CouldNotAsk(`the workers read the namespace ${read.join(', ')}, not ${named}`);
  }
  return named;
}

/** In an emergency the switch is written even where Redis is away. */
async function workersNamespaces(
  env: Terminal['env'],
  named: string | undefined,
): Promise<string[]> {
  try {
    const workers = await withRedis(env, readWorkers);
    return [...new Set(workers.filter(isAlive).map(({ namespace }) => namespace))];
  } catch (error) {
    if (named === undefined) throw error;
    return [];
  }
}

function withSwitch<T>(
  options: ClusterOptions & { readonly namespace: string },
  env: Terminal['env'],
  use: (cluster: SwitchInCluster) => Promise<T>,
): Promise<T> {
  return withCluster(options, env, ({ cluster, namespace }) =>
    use(cluster.globalSwitch(namespace)),
  );
}
