import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digest } from '@openfero/core/digest';
import { codeOf, messageOf } from '@openfero/core/errors';
import { type ConfigMap, isObject } from '@openfero/core/kubernetes';
import { GLOBAL_CONFIGMAP } from '@openfero/core/operarius/policy';
import { parseManifests } from '@openfero/core/yaml';
import type { Logger } from '@openfero/service/log';
import type { Operarii } from '../cluster.ts';
import type { Selects } from './selector.ts';

/** Milliseconds between two looks into the folder. */
const LOOK_INTERVAL = 1000;

/** Milliseconds for which a file must not have changed: half of a manifest can be good YAML too. */
const SETTLED = 100;

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
  let files: ReadonlyMap<string, File> | undefined;
  let byName = new Map<string, ConfigMap>();
  let revision = 0;
  let readAt = Number.NEGATIVE_INFINITY;
  let problem: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const read = async (): Promise<void> => {
    const next = await readFolder(folder, files, log);
    if (files === undefined || changed(files, next)) {
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

/** @param before undefined the first time: then there is nothing to go on with meanwhile */
async function readFolder(
  folder: string,
  before: ReadonlyMap<string, File> | undefined,
  log: Logger,
): Promise<Map<string, File>> {
  const names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  const files = new Map<string, File>();
  for (const name of names) {
    const known = before?.get(name);
    const content = await readContent(join(folder, name), before === undefined ? 0 : SETTLED);
    const same = content === undefined || known?.text === content.text;
    const file = same ? known : parse(name, content, known, log);
    if (file !== undefined) files.set(name, file);
  }
  return files;
}

/** What a file holds, or why nobody can tell. */
interface Content {
  readonly text: string;
  readonly readable: boolean;
}

/** @returns undefined while it is being written, or where it has just gone */
async function readContent(path: string, settled: number): Promise<Content | undefined> {
  try {
    const { mtimeMs } = await stat(path);
    const age = Date.now() - mtimeMs;
    // One of the future would never settle.
    if (age >= 0 && age < settled) return undefined;
    return { text: await readFile(path, 'utf8'), readable: true };
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? undefined : { text: messageOf(error), readable: false };
  }
}

function parse(name: string, content: Content, known: File | undefined, log: Logger): File {
  const { text } = content;
  try {
    return { text, configMaps: configMapsOf(content) };
  } catch (error) {
    const kept = known === undefined ? 'it is left out' : 'what it held before stays in force';
    log.error(`${name} is no YAML of ConfigMaps (${messageOf(error)}): ${kept}`);
    return { text, configMaps: known?.configMaps ?? [] };
  }
}

/** @throws where something in it is no object of Kubernetes, or nothing is: it may be half a file */
function configMapsOf({ text, readable }: Content): readonly ConfigMap[] {
  if (!readable) throw new Error(text);
  const documents: readonly unknown[] = parseManifests(text);
  if (documents.length === 0) throw new Error('it is empty');
  if (!documents.every(isNamed)) throw new Error('a document has no kind or no metadata.name');
  return documents.filter(isConfigMap);
}

function isNamed(document: unknown): boolean {
  if (!isObject(document) || typeof document['kind'] !== 'string') return false;
  const { metadata } = document;
  return isObject(metadata) && typeof metadata['name'] === 'string';
}

function isConfigMap(document: unknown): document is ConfigMap {
  if (!isObject(document) || document['kind'] !== 'ConfigMap') return false;
  const { data = null } = document;
  return isNamed(document) && (data === null || isObject(data));
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
