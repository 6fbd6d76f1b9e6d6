import { parseSelector } from '@openfero/cluster/directory/selector';
import { DEFAULT_LABEL_SELECTOR } from '@openfero/cluster/settings';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { readDefinitions } from '@openfero/core/lint/documents';
import { GLOBAL_CONFIGMAP } from '@openfero/core/operarius/global-switch';
import type { RemediationSettings } from '@openfero/service/remediation-settings';
import type { ClusterOptions } from './cluster.ts';
import { remediationSettings, withSettings } from './settings.ts';
import { readSources } from './sources.ts';
import { CouldNotAsk, type Terminal } from './terminal.ts';

type Environment = Terminal['env'];

/** What a worker with this environment decides with. */
export interface DecisionSettings extends RemediationSettings {
  readonly jobNamespace: string;
  readonly ownServiceAccount: undefined;
}

/** @param configMaps where Jobs are created beside them, unless a setting says otherwise */
export function decisionSettings(
  env: Environment,
  configMaps: readonly ConfigMap[],
): DecisionSettings {
  const jobNamespace =
    env['OPENFERO_JOB_NAMESPACE'] || configMaps[0]?.metadata.namespace || namespaceOf(env);
  return { ...remediationSettings(env), jobNamespace, ownServiceAccount: undefined };
}

function namespaceOf(env: Environment): string {
  return env['OPENFERO_CONFIGMAP_NAMESPACE'] || 'default';
}

/** Where a person has operarii: in files, else in a cluster. */
export interface DefinitionOptions extends ClusterOptions {
  readonly file?: readonly string[];
}

/**
 * Reads operarii, and the switch, as a worker would have them.
 *
 * @throws {CouldNotAsk} where a file cannot be read, or is no YAML, or the cluster does not answer
 */
export async function readConfigMaps(
  options: DefinitionOptions,
  env: Environment,
  terminal: Pick<Terminal, 'stdin' | 'err'>,
): Promise<readonly ConfigMap[]> {
  if (options.file !== undefined) return readFiles(options.file, env, terminal);
  const { withCluster } = await import('./cluster.ts');
  return withCluster(options, env, ({ cluster, namespace }) =>
    cluster.operarii({ namespace, labelSelector: labelSelectorOf(env) }),
  );
}

export function labelSelectorOf(env: Environment): string {
  return env['OPENFERO_LABEL_SELECTOR'] || DEFAULT_LABEL_SELECTOR;
}

/** @throws {CouldNotAsk} where a file cannot be read, or is no YAML */
export async function readFiles(
  paths: readonly string[],
  env: Environment,
  terminal: Pick<Terminal, 'stdin' | 'err'>,
): Promise<readonly ConfigMap[]> {
  const selects = withSettings(() => parseSelector(labelSelectorOf(env)));
  const sources = await readSources(paths, terminal);
  const contents = sources.map((source) => readDefinitions(source, namespaceOf(env)));
  const [wrong] = contents.flatMap(({ findings }) => findings);
  if (wrong !== undefined) {
    throw new CouldNotAsk(`${wrong.file}:${wrong.line}: ${wrong.message}`);
  }
  return contents
    .flatMap(({ definitions }) => definitions.map(({ configMap }) => configMap))
    .filter(({ metadata }) => metadata.name === GLOBAL_CONFIGMAP || selects(metadata.labels ?? {}));
}
