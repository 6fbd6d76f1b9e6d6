import { digest } from '@openfero/core/digest';
import { messageOf } from '@openfero/core/errors';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { isMeantAsOperarius } from '@openfero/core/operarius';
import { GLOBAL_CONFIGMAP } from '@openfero/core/operarius/global-switch';
import type { Logger } from '@openfero/service/log';
import type { Operarii } from '../cluster.ts';
import { type ConfigMapFiles, readFolder } from './files.ts';
import type { Selects } from './selector.ts';

/** Milliseconds between two reads of the folder. */
const FOLDER_READ_INTERVAL = 1000;

export interface DirectoryOperarii extends Operarii {
  /** Seconds since the folder was last read completely; Infinity before the first time. */
  age(): number;
  /** Why the folder cannot be read, or undefined. */
  problem(): string | undefined;
  close(): void;
}

/** Which ConfigMaps of the folder are operarii. */
export interface ConfigMapFilter {
  readonly namespace: string;
  readonly selects: Selects;
}

/**
 * Reads the ConfigMaps of a folder every second. A file that is not valid keeps its ConfigMaps from
 * before and is logged: half a saved file must not switch off what runs at night.
 */
export async function createDirectoryOperarii(
  folder: string,
  filter: ConfigMapFilter,
  log: Logger,
): Promise<DirectoryOperarii> {
  let files: ConfigMapFiles | undefined;
  let byName = new Map<string, ConfigMap>();
  let revision = 0;
  let readAt = Number.NEGATIVE_INFINITY;
  let problem: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const readFiles = async (): Promise<void> => {
    const next = await readFolder(folder, files, log);
    if (files === undefined || isChanged(files, next)) {
      byName = indexByName(next, filter.namespace, log);
      revision++;
      log.info(
        { configMaps: byName.size },
        revision === 1 ? 'operarii loaded' : 'operarii reloaded',
      );
    }
    files = next;
    readAt = performance.now();
  };
  const keepReading = async (): Promise<void> => {
    const before = problem;
    try {
      await readFiles();
      problem = undefined;
    } catch (error) {
      problem = `cannot read the folder ${folder} (OPENFERO_OPERARII_DIR): ${messageOf(error)}`;
    }
    if (problem !== undefined && problem !== before) log.error(problem);
    if (!isClosed) timer = setTimeout(() => void keepReading(), FOLDER_READ_INTERVAL);
  };
  await keepReading();

  const isSelected = ({ metadata }: ConfigMap): boolean => filter.selects(metadata.labels ?? {});
  return {
    get: (name) => [byName.get(name)].find((one) => one !== undefined && isSelected(one)),
    globalSwitch: () => byName.get(GLOBAL_CONFIGMAP),
    all: () => [...byName.values()].filter(isSelected),
    unlabelled: async () =>
      [...byName.values()]
        .filter((one) => !isSelected(one) && isMeantAsOperarius(one.metadata))
        .map(({ metadata }) => metadata),
    revision: () => revision,
    age: () => (performance.now() - readAt) / 1000,
    problem: () => problem,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

function isChanged(before: ConfigMapFiles, after: ConfigMapFiles): boolean {
  return before.size !== after.size || [...after].some(([name, file]) => before.get(name) !== file);
}

function indexByName(
  files: ConfigMapFiles,
  namespace: string,
  log: Logger,
): Map<string, ConfigMap> {
  const byName = new Map<string, ConfigMap>();
  for (const [file, { configMaps }] of files) {
    for (const configMap of configMaps) {
      const { name, namespace: own = namespace } = configMap.metadata;
      if (own !== namespace) {
        log.warn(
          `${file}: ConfigMap ${name} is ignored: its namespace is ${own}, not ${namespace} (OPENFERO_CONFIGMAP_NAMESPACE)`,
        );
        continue;
      }
      if (byName.has(name)) {
        log.warn(
          `${file}: ConfigMap ${name} is defined more than once: this definition is used, remove the others`,
        );
      }
      // A file has no resourceVersion: the digest of its content takes its place.
      const resourceVersion = digest(JSON.stringify(configMap));
      const version = { namespace, uid: name, resourceVersion };
      byName.set(name, { ...configMap, metadata: { ...configMap.metadata, ...version } });
    }
  }
  return byName;
}
