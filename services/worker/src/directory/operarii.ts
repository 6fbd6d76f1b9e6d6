import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConfigMap, isObject } from '@openfero/core/kubernetes';
import { GLOBAL_CONFIGMAP } from '@openfero/core/policy';
import { digest } from '@openfero/core/redis/keys';
import { parseManifests } from '@openfero/core/yaml';
import type { Logger } from '@openfero/service/log';
import type { Operarii } from '../cluster.ts';
import type { Selects } from './selector.ts';

/** Milliseconds between two looks into the folder. */
const LOOK_INTERVAL = 1000;

export interface DirectoryOperarii extends Operarii {
  /** Seconds since the folder was last read whole; Infinity before the first time. */
  age(): number;
  /** Why the folder cannot be read, or undefined. */
  problem(): string | undefined;
  close(): void;
}

/** Which ConfigMaps of the folder are operarii. */
export interface Scope {
  readonly namespace: string;
  readonly selects: Selects;
}

/**
 * Reads the ConfigMaps of all *.yaml and *.yml files of a folder, and again every second: a file
 * saved there is in force a second later. A file that cannot be read keeps what it held before, and
 * is named in the log: half a saved file must not switch off what runs at night.
 */
export async function directoryOperarii(
  folder: string,
  scope: Scope,
  log: Logger,
): Promise<DirectoryOperarii> {
  let files = new Map<string, File>();
  let byName = new Map<string, ConfigMap>();
  let revision = 0;
  let readAt = Number.NEGATIVE_INFINITY;
  let problem: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const read = async (): Promise<void> => {
    const next = await readFolder(folder, files, log);
    if (changed(files, next)) {
      byName = index(next, scope, log);
      revision++;
      const what = revision === 1 ? 'operarii read' : 'operarii read anew';
      log.info({ configMaps: byName.size }, what);
    }
    files = next;
    readAt = performance.now();
  };
  const look = async (): Promise<void> => {
    const before = problem;
    try {
      await read();
      problem = undefined;
    } catch (error) {
      problem = `cannot read the folder ${folder}: ${messageOf(error)}`;
    }
    if (problem !== undefined && problem !== before) log.error(problem);
    if (!closed) timer = setTimeout(() => void look(), LOOK_INTERVAL);
  };
  await look();

  const selected = ({ metadata }: ConfigMap): boolean => scope.selects(metadata.labels ?? {});
  return {
    get: (name) => [byName.get(name)].find((one) => one !== undefined && selected(one)),
    globalSwitch: () => byName.get(GLOBAL_CONFIGMAP),
    all: () => [...byName.values()].filter(selected),
    revision: () => revision,
    age: () => (performance.now() - readAt) / 1000,
    problem: () => problem,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** A file as last read. */
interface File {
  readonly text: string;
  readonly configMaps: readonly ConfigMap[];
}

async function readFolder(
  folder: string,
  before: ReadonlyMap<string, File>,
  log: Logger,
): Promise<Map<string, File>> {
  const names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  const files = new Map<string, File>();
  for (const name of names) {
    const text = await readFile(join(folder, name), 'utf8');
    const known = before.get(name);
    files.set(name, known?.text === text ? known : parse(name, text, known, log));
  }
  return files;
}

function parse(name: string, text: string, known: File | undefined, log: Logger): File {
  try {
    const documents: readonly unknown[] = parseManifests(text);
    return { text, configMaps: documents.filter(isConfigMap) };
  } catch (error) {
    const kept = known === undefined ? 'it is left out' : 'what it held before stays in force';
    log.error(`${name} is no YAML of ConfigMaps (${messageOf(error)}): ${kept}`);
    return { text, configMaps: known?.configMaps ?? [] };
  }
}

function isConfigMap(document: unknown): document is ConfigMap {
  if (!isObject(document) || document['kind'] !== 'ConfigMap') return false;
  const { metadata, data = {} } = document;
  return isObject(metadata) && typeof metadata['name'] === 'string' && isObject(data);
}

function changed(before: ReadonlyMap<string, File>, after: ReadonlyMap<string, File>): boolean {
  return before.size !== after.size || [...after].some(([name, file]) => before.get(name) !== file);
}

function index(
  files: ReadonlyMap<string, File>,
  { namespace }: Scope,
  log: Logger,
): Map<string, ConfigMap> {
  const byName = new Map<string, ConfigMap>();
  for (const [file, { configMaps }] of files) {
    for (const configMap of configMaps) {
      const { name, namespace: own = namespace } = configMap.metadata;
      if (own !== namespace) {
        log.warn(`${file}: ConfigMap ${name} is of namespace ${own}, not ${namespace}: left out`);
        continue;
      }
      if (byName.has(name)) log.warn(`${file}: ConfigMap ${name} is there twice: this one counts`);
      // A file has no version: its content is one.
      const resourceVersion = digest(JSON.stringify(configMap));
      const version = { namespace, uid: name, resourceVersion };
      byName.set(name, { ...configMap, metadata: { ...configMap.metadata, ...version } });
    }
  }
  return byName;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
