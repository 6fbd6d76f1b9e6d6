import type { ConfigMap } from '@openfero/core/kubernetes';
import { GLOBAL_CONFIGMAP } from '@openfero/core/operarius/global-switch';
import { strictest } from '@openfero/core/operarius/policy';
import type { RejectedAlert } from '@openfero/core/read-alert';
import { readTime } from '@openfero/core/redis/memory';
import type { AlertOptions } from '../alerts.ts';
import { type OpenCluster, withCluster } from '../cluster.ts';
import {
  type DecisionSettings,
  type DefinitionOptions,
  decisionSettings,
  labelSelectorOf,
  readFiles,
} from '../definitions.ts';
import { type OpenRedis, withRedis } from '../redis.ts';
import { readPublishedWorkers, type WorkerInRedis } from '../switch/published-workers.ts';
import type { Terminal } from '../terminal.ts';
import { answer, type DecidedAlert, questionOf, remediationsOf } from './decide-alerts.ts';
import { asLastReceived, readKnown } from './known.ts';

type Environment = Terminal['env'];
type LiveOptions = AlertOptions & DefinitionOptions;

/** Decides about each alert with what Redis and the cluster know now. @throws {CouldNotAsk} */
export function decideLive(
  body: unknown,
  options: LiveOptions,
  env: Environment,
  terminal: Terminal,
): Promise<readonly (DecidedAlert | RejectedAlert)[]> {
  return withCluster(options, env, (cluster) =>
    withRedis(env, async (redis) => {
      const there = await look(cluster, redis, options, { env, terminal });
      const now = readTime(await redis.redis.time());
      const received = remediationsOf(body, now);
      // An alert that a person names by its labels is the one that Alertmanager sends.
      const isNamed = options.label !== undefined;
      const remediations = isNamed ? await asLastReceived(received, redis) : received;
      const { configMaps, settings, jobs } = there;
      const isOurs = (job: string): boolean => jobs.has(job);
      const question = questionOf(remediations, configMaps, settings, isOurs);
      const calls = cluster.cluster.jobs(settings.jobNamespace);
      return answer(question, await readKnown(question, redis, calls));
    }),
  );
}

interface There {
  readonly configMaps: readonly ConfigMap[];
  readonly settings: DecisionSettings;
  /** The names of our Jobs. */
  readonly jobs: ReadonlySet<string>;
}

async function look(
  open: OpenCluster,
  redis: OpenRedis,
  options: LiveOptions,
  { env, terminal }: { readonly env: Environment; readonly terminal: Terminal },
): Promise<There> {
  const workers = (await readPublishedWorkers(redis)).filter(({ isAlive }) => isAlive);
  const namespace = namespaceOf(open, options, workers);
  const own = workers.filter((worker) => worker.namespace === namespace);
  if (own.length === 0) {
    terminal.err(`no worker reads the namespace ${namespace}: nothing runs until one does`);
  }
  const jobNamespace = own[0]?.jobNamespace;
  const there = {
    ...env,
    OPENFERO_CONFIGMAP_NAMESPACE: namespace,
    ...(jobNamespace !== undefined && { OPENFERO_JOB_NAMESPACE: jobNamespace }),
  };
  const configMaps = await definitionsIn(open, namespace, options, { env: there, terminal });
  const settings = decisionSettings(there, configMaps);
  const policy = { ...settings.policy, mode: modeOf(own, settings) };
  if (env['OPENFERO_ALERTMANAGER_URL']) {
    terminal.err('Alertmanager is not asked here: a worker asks it last');
  }
  return {
    configMaps,
    settings: { ...settings, policy },
    jobs: await open.cluster.ourJobs(settings.jobNamespace),
  };
}

/** Where a person names none, the workers know. */
function namespaceOf(
  { namespace }: OpenCluster,
  options: LiveOptions,
  workers: readonly WorkerInRedis[],
): string {
  const [only, second] = new Set(workers.map((worker) => worker.namespace));
  const isKnown = options.namespace === undefined && second === undefined;
  return isKnown ? (only ?? namespace) : namespace;
}

/** Definitions of files are tried under the switch of the cluster, unless they hold one. */
async function definitionsIn(
  { cluster }: OpenCluster,
  namespace: string,
  { file }: LiveOptions,
  { env, terminal }: { readonly env: Environment; readonly terminal: Terminal },
): Promise<readonly ConfigMap[]> {
  const there = await cluster.operarii({ namespace, labelSelector: labelSelectorOf(env) });
  if (file === undefined) return there;
  const isSwitch = ({ metadata }: ConfigMap): boolean => metadata.name === GLOBAL_CONFIGMAP;
  const own = await readFiles(file, env, terminal);
  return own.some(isSwitch) ? own : [...own, ...there.filter(isSwitch)];
}

/** OPENFERO_MODE of the workers: a mode of theirs that does not come from the switch. */
function modeOf(workers: readonly WorkerInRedis[], { policy }: DecisionSettings) {
  const set = workers.filter(({ source }) => !source.startsWith(`ConfigMap ${GLOBAL_CONFIGMAP}`));
  return strictest(policy.mode, ...set.map(({ mode }) => mode));
}
