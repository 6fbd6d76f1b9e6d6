import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, messageOf } from '@openfero/core/errors';
import { type ConfigMap, isObject } from '@openfero/core/kubernetes';
import { parseManifests } from '@openfero/core/yaml';
import type { Logger } from '@openfero/service/log';
import { objectAt, stringAt } from '../json.ts';

/** Milliseconds since the last change of a file before it is read: half a manifest can be valid YAML. */
const MIN_AGE = 100;

/** A file as it was last read. */
export interface ConfigMapFile {
  readonly text: string;
  readonly configMaps: readonly ConfigMap[];
}

export type ConfigMapFiles = ReadonlyMap<string, ConfigMapFile>;

/**
 * Reads all *.yaml and *.yml files of a folder. A file that has not changed, is still being written or
 * is not valid stays as it was before.
 *
 * @param before undefined at the first read, which reads files of any age
 */
export async function readFolder(
  folder: string,
  before: ConfigMapFiles | undefined,
  log: Logger,
): Promise<ConfigMapFiles> {
  const names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  const files = new Map<string, ConfigMapFile>();
  for (const name of names) {
    const previous = before?.get(name);
    const content = await readContent(join(folder, name), before === undefined ? 0 : MIN_AGE);
    const isSame = content === undefined || previous?.text === content.text;
    const file = isSame ? previous : parseFile(name, content, previous, log);
    if (file !== undefined) files.set(name, file);
  }
  return files;
}

/** The text of a file, or why it cannot be read. */
interface Content {
  readonly text: string;
  readonly readable: boolean;
}

/** @returns undefined while the file is being written, or where it was just deleted */
async function readContent(path: string, minAge: number): Promise<Content | undefined> {
  try {
    const { mtimeMs } = await stat(path);
    const age = Date.now() - mtimeMs;
    // A time in the future would delay the read for too long.
    if (age >= 0 && age < minAge) return undefined;
    return { text: await readFile(path, 'utf8'), readable: true };
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? undefined : { text: messageOf(error), readable: false };
  }
}

function parseFile(
  name: string,
  content: Content,
  previous: ConfigMapFile | undefined,
  log: Logger,
): ConfigMapFile {
  const { text } = content;
  try {
    return { text, configMaps: parseConfigMaps(content) };
  } catch (error) {
    const effect =
      previous === undefined ? 'it is ignored' : 'its ConfigMaps from before stay in effect';
    log.error(`cannot load ${name}, ${effect}: ${messageOf(error)}`);
    return { text, configMaps: previous?.configMaps ?? [] };
  }
}

/** @throws where it is empty, or a document is not a Kubernetes object: it may be half a file */
function parseConfigMaps({ text, readable }: Content): readonly ConfigMap[] {
  if (!readable) throw new Error(text);
  const documents: readonly unknown[] = parseManifests(text);
  if (documents.length === 0) throw new Error('the file is empty');
  if (!documents.every(isNamed)) throw new Error('a document has no kind or no metadata.name');
  return documents.filter(isConfigMap);
}

function isNamed(document: unknown): boolean {
  const name = stringAt(objectAt(document, 'metadata'), 'name');
  return stringAt(document, 'kind') !== undefined && name !== undefined;
}

function isConfigMap(document: unknown): document is ConfigMap {
  if (!isObject(document) || document['kind'] !== 'ConfigMap') return false;
  const { data = null } = document;
  return isNamed(document) && (data === null || isObject(data));
}
