import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseManifest, parseManifests } from '@openfero/core/yaml';
import { at } from '@openfero/testkit/controlplane';

/** deploy/operarii. */
export const FOLDER = fileURLToPath(new URL('../../deploy/operarii', import.meta.url));

/** The names of the folders of starter operarii. */
export const STARTERS: readonly string[] = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** A file below deploy/operarii. */
export const read = (...path: readonly string[]): Promise<string> =>
  readFile(join(FOLDER, ...path), 'utf8');

/** The files of a starter whose names begin so. */
export const filesOf = (starter: string, start: string): readonly string[] =>
  readdirSync(join(FOLDER, starter))
    .filter((name) => name.startsWith(start))
    .sort();

/** A ConfigMap of a starter, and the Job in it. */
export interface Definition {
  readonly name: string;
  readonly alertname: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly job: unknown;
}

export async function definitionsOf(starter: string): Promise<readonly Definition[]> {
  const configMaps = parseManifests(await read(starter, 'operarius.yaml'));
  return configMaps.map((configMap) => {
    const [entry = ['', '']] = Object.entries(Object(at(configMap, 'data')));
    const [alertname, manifest] = entry;
    return {
      name: String(at(configMap, 'metadata', 'name')),
      alertname,
      annotations: Object(at(configMap, 'metadata', 'annotations')),
      job: parseManifest(String(manifest)),
    };
  });
}

/** The containers of a Job, those that run first included. */
export function containersOf(job: unknown): readonly unknown[] {
  const spec = ['spec', 'template', 'spec'];
  return ['initContainers', 'containers'].flatMap((list) => Object(at(job, ...spec, list) ?? []));
}

/** What a container runs, in one text. */
export const scriptOf = (container: unknown): string =>
  [at(container, 'command'), at(container, 'args')].flat().filter(Boolean).join('\n');
