import type { ConfigMap } from '@openfero/core/kubernetes';
import { InvalidOperarius } from '@openfero/core/operarius';
import { GLOBAL_CONFIGMAP, readGlobalSwitch } from '@openfero/core/operarius/global-switch';
import { type Mode, strictest } from '@openfero/core/operarius/policy';
import { operariiKey, readPublishedOperarius } from '@openfero/core/redis/published';
import { renderSamples } from '@openfero/core/render/sample';
import { type ClusterOptions, withCluster } from '../cluster.ts';
import { decisionSettings, labelSelectorOf } from '../definitions.ts';
import { isRedisGiven, withRedis } from '../redis.ts';
import { environmentOf } from '../settings.ts';
import { NO, type Terminal, YES } from '../terminal.ts';
import { type Counts, countLastDay, textOf } from './last-day.ts';

/** What can be asked of `openfero get operarii`. */
export interface GetOperariiOptions extends ClusterOptions {
  readonly output: 'human' | 'json';
  readonly envFile?: string;
}

type Environment = Terminal['env'];

const NOTHING: Counts = { outcomes: {}, fates: {} };

/** One operarius, of the workers or of the cluster. */
interface Listed {
  readonly name: string;
  readonly problem?: string | undefined;
  readonly warnings: readonly string[];
  readonly mode: Mode;
  /** Of the last 24 hours; undefined where Redis was not asked. */
  readonly lastDay?: Counts;
}

/** Prints the operarii. @returns 1 where one of them is invalid */
export async function getOperarii(
  options: GetOperariiOptions,
  terminal: Terminal,
): Promise<number> {
  const env = await environmentOf(terminal, options.envFile);
  const asksWorkers = isRedisGiven(env) && (options.namespace ?? options.context) === undefined;
  const operarii = asksWorkers
    ? await publishedOperarii(env)
    : await operariiInCluster(options, env, terminal.now());
  if (options.output === 'json') terminal.out(JSON.stringify(operarii, null, 2));
  else for (const operarius of operarii) terminal.out(lineOf(operarius));
  if (!asksWorkers) {
    terminal.err('Redis counts the runs of the last day: set REDIS_URL, without -n and --context');
  }
  if (operarii.length === 0) terminal.err('no operarius');
  return operarii.every(({ problem }) => problem === undefined) ? YES : NO;
}

/** As the workers have checked them. */
async function publishedOperarii(env: Environment): Promise<Listed[]> {
  return withRedis(env, async (open) => {
    const fields = await open.redis.hgetall(operariiKey(open.prefix));
    const counts = await countLastDay(open);
    return Object.entries(fields)
      .sort()
      .flatMap(([name, text]) => {
        const published = readPublishedOperarius(text);
        const lastDay = counts.get(name) ?? NOTHING;
        return published === undefined ? [] : [{ name, ...published, lastDay }];
      });
  });
}

/** As they are now, without the API server's verdict on their Jobs. */
function operariiInCluster(
  options: ClusterOptions,
  env: Environment,
  now: number,
): Promise<Listed[]> {
  return withCluster(options, env, async ({ cluster, namespace }) => {
    const selector = { namespace, labelSelector: labelSelectorOf(env) };
    const configMaps = await cluster.operarii(selector);
    const isSwitch = ({ metadata }: ConfigMap): boolean => metadata.name === GLOBAL_CONFIGMAP;
    const { mode } = readGlobalSwitch(configMaps.find(isSwitch));
    const settings = decisionSettings(env, configMaps);
    return configMaps
      .filter((one) => !isSwitch(one))
      .map((one) => checked(one, settings, { mode, now }));
  });
}

function checked(
  configMap: ConfigMap,
  settings: ReturnType<typeof decisionSettings>,
  { mode, now }: { readonly mode: Mode; readonly now: number },
): Listed {
  const { name } = configMap.metadata;
  try {
    const samples = renderSamples(configMap, settings.policy, settings, now);
    const modes = samples.map(({ operarius }) => operarius.policy.mode);
    const warnings = samples.flatMap((sample) => sample.warnings);
    return { name, warnings, mode: strictest(mode, ...modes) };
  } catch (error) {
    if (!(error instanceof InvalidOperarius)) throw error;
    return { name, problem: error.message, warnings: [], mode };
  }
}

function lineOf({ name, problem, warnings, mode, lastDay }: Listed): string {
  const warned = warnings.length === 0 ? '' : `, ${warnings.length} warnings`;
  const state = problem === undefined ? `valid, ${mode}${warned}` : `invalid: ${problem}`;
  const counts = lastDay === undefined ? '' : `  last 24h: ${textOf(lastDay)}`;
  return `${name}  ${state}${counts}`.replace(/\p{C}+/gu, ' ');
}
