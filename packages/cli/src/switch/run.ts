import { setTimeout as delay } from 'node:timers/promises';
import { type GlobalSwitch, readGlobalSwitch } from '@openfero/core/operarius/global-switch';
import { type ClusterOptions, type OpenCluster, withCluster } from '../cluster.ts';
import { environmentOf } from '../settings.ts';
import { COULD_NOT_ASK, CouldNotAsk, NO, type Terminal, YES } from '../terminal.ts';
import { withWorkers } from './ask.ts';
import {
  type AskWorkers,
  type InForce,
  isInForce,
  lineOf,
  type Worker,
  workersOf,
} from './workers.ts';

/** What can be asked of `openfero stop`, `resume` and `status`. */
export interface SwitchOptions extends ClusterOptions {
  readonly envFile?: string;
  readonly workerNamespace: string;
  readonly dryRun?: boolean;
  /** Seconds. */
  readonly timeout: string;
}

/** Milliseconds between two questions. A worker has the switch within 5 s, and says so within a second. */
const ASK_INTERVAL = 500;

interface Asked {
  readonly wanted: 'run' | 'off';
  readonly namespace: string;
  readonly options: SwitchOptions;
}

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
  return withCluster(options, env, ({ cluster }) =>
    withWorkers({ env, cluster, options, terminal }, async (ask) => {
      const namespace = await namespaceOf(options, env, ask);
      const asked = { wanted, namespace, options };
      await write(asked, cluster, terminal);
      return options.dryRun === true ? YES : waitForWorkers(ask, asked, terminal);
    }),
  );
}

async function write(
  { wanted, namespace, options }: Asked,
  cluster: OpenCluster['cluster'],
  terminal: Terminal,
): Promise<void> {
  const { dryRun = false } = options;
  const ofNamespace = cluster.globalSwitch(namespace);
  await ofNamespace.write(wanted, { dryRun, at: new Date(terminal.now()).toISOString() });
  const written = `ConfigMap ${namespace}/openfero, openfero.io/mode: ${wanted}`;
  if (dryRun) {
    terminal.out(`would be written: ${written}`);
    return;
  }
  const { mode, reason } = readGlobalSwitch(await ofNamespace.read());
  if (mode !== wanted) {
    throw new CouldNotAsk(`written, but the ConfigMap openfero says ${mode}: ${reason}`);
  }
  terminal.err(`written: ${written}`);
}

async function waitForWorkers(
  ask: AskWorkers,
  { wanted, namespace, options }: Asked,
  terminal: Terminal,
): Promise<number> {
  const until = performance.now() + secondsOf(options.timeout) * 1000;
  try {
    for (;;) {
      const inForce = isInForce(await ask(), wanted, namespace);
      const isLast = performance.now() >= until || inForce.kind !== 'not-yet';
      if (isLast) return told(inForce, wanted, terminal);
      await delay(ASK_INTERVAL);
    }
  } catch (error) {
    if (!(error instanceof CouldNotAsk)) throw error;
    throw new CouldNotAsk(
      `the switch is written, but the workers could not be asked whether they have it: ${error.message}`,
    );
  }
}

function told(inForce: InForce, wanted: 'run' | 'off', terminal: Terminal): number {
  if (inForce.kind === 'everywhere') {
    const effect = wanted === 'off' ? 'none creates Jobs' : 'they create Jobs';
    const { count } = inForce;
    terminal.out(
      `in force on ${count === 1 ? 'the only worker' : `all ${count} workers`}: ${effect}`,
    );
    return YES;
  }
  for (const line of inForce.problems) terminal.err(line);
  terminal.out('not in force on every worker');
  return NO;
}

/** What the switch says, and what each worker says of it. @returns 0 where all workers create Jobs */
export async function runStatus(
  options: SwitchOptions & { readonly output: 'human' | 'json' },
  terminal: Terminal,
): Promise<number> {
  const env = await environmentOf(terminal, options.envFile);
  return withCluster(options, env, ({ cluster }) =>
    withWorkers({ env, cluster, options, terminal }, async (ask) => {
      const namespace = await namespaceOf(options, env, ask);
      const configured = readGlobalSwitch(await cluster.globalSwitch(namespace).read());
      const workers = workersOf(await ask(), namespace);
      for (const line of linesOf({ namespace, switch: configured, workers }, options.output)) {
        terminal.out(line);
      }
      if (isInForce(workers, 'run', namespace).kind === 'everywhere') return YES;
      if (workers.every(({ hasSaid }) => hasSaid)) return NO;
      terminal.err(
        'not every worker says what it obeys: stop and resume ask them, and Redis (REDIS_URL) knows it at any time',
      );
      return COULD_NOT_ASK;
    }),
  );
}

interface Status {
  readonly namespace: string;
  readonly switch: GlobalSwitch;
  readonly workers: readonly Worker[];
}

function linesOf(status: Status, output: 'human' | 'json'): readonly string[] {
  if (output === 'json') return [JSON.stringify(status, null, 2)];
  const { namespace, switch: configured, workers } = status;
  return [
    `switch in ${namespace}: ${configured.mode} (${configured.reason})`,
    ...(workers.length === 0 ? ['no worker'] : workers.map(lineOf)),
  ];
}

function secondsOf(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new CouldNotAsk(`--timeout ${text}: write seconds`);
}

/**
 * The wrong namespace would look like a stop and be none: it is never guessed. In an emergency one that is
 * named is written even where nobody can be asked.
 */
async function namespaceOf(
  { namespace }: Pick<SwitchOptions, 'namespace'>,
  env: Terminal['env'],
  ask: AskWorkers,
): Promise<string> {
  const named = namespace ?? (env['OPENFERO_CONFIGMAP_NAMESPACE'] || undefined);
  const workers = await ask().catch((error: unknown) => {
    if (error instanceof CouldNotAsk && named !== undefined) return [];
    throw error;
  });
  const read = [
    ...new Set(
      workers.filter(({ isAlive }) => isAlive).flatMap((worker) => worker.namespace ?? []),
    ),
  ];
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
