import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** A package whose code is in a bundle. */
interface Bundled {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** The text of its licence file; empty where it ships none. */
  readonly text: string;
}

/**
 * Names every package whose code is in the bundles, with its licence: most licences require that a
 * copy of it comes with the code.
 *
 * @param root the folder that the paths of the metafiles start from
 * @throws {Error} naming a package that states no licence
 */
export async function noticesOf(metafiles: readonly Metafile[], root: string): Promise<string> {
  const folders = new Set(
    metafiles.flatMap(({ inputs }) => Object.keys(inputs).flatMap((input) => packageFolder(input))),
  );
  const packages = await Promise.all([...folders].map((folder) => read(join(root, folder))));
  const byName = new Map(packages.map((one) => [`${one.name} ${one.version}`, one]));
  return [...byName.values()]
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text}`)
    .join(`\n\n${'-'.repeat(80)}\n\n`);
}

/** The last node_modules of a path starts the package; a scope has one more part. */
function packageFolder(input: string): string[] {
  const match = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
  return match?.[1] === undefined ? [] : [match[1]];
}

async function read(folder: string): Promise<Bundled> {
  const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const { name, version, license } = texts(manifest);
  if (license === '') throw new Error(`${folder}/package.json states no license`);
  const files = await readdir(folder);
  const file = files.find((each) => /^(licen[cs]e|copying)(\.|$)/i.test(each));
  const text = file === undefined ? '' : await readFile(join(folder, file), 'utf8');
  return { name, version, license, text: text.trim() };
}

function texts(manifest: unknown): { name: string; version: string; license: string } {
  const read = (field: string): string => {
    const value =
      typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, field) : undefined;
    return typeof value === 'string' ? value : '';
  };
  return { name: read('name'), version: read('version'), license: read('license') };
}
