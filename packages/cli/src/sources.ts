import { readdir, readFile, stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { codeOf, messageOf } from '@openfero/core/errors';
import type { Source } from '@openfero/core/lint/documents';
import { CouldNotAsk, type Terminal } from './terminal.ts';

/** Larger files hold no operarii: a ConfigMap has at most a megabyte. */
const LARGEST_FILE = 16 * 1024 * 1024;

/**
 * Reads the files that a person names: files, folders with all that is in them, globs, and `-` for standard
 * input. In folders only YAML and JSON is read.
 *
 * @throws {CouldNotAsk} where one does not exist
 */
export async function readSources(
  paths: readonly string[],
  terminal: Pick<Terminal, 'stdin' | 'err'>,
): Promise<Source[]> {
  const files = new Set<string>();
  const sources: Source[] = [];
  for (const path of paths) {
    if (path === '-') sources.push({ file: '<stdin>', text: await terminal.stdin() });
    else for (const file of await filesOf(path, terminal)) files.add(normalize(file));
  }
  for (const file of files) sources.push({ file, text: await read(file) });
  return sources;
}

async function filesOf(path: string, terminal: Pick<Terminal, 'err'>): Promise<string[]> {
  const found = await statOf(path);
  if (found?.isDirectory()) return walk(path, terminal);
  if (found !== undefined) return [path];
  if (!/[*?]/.test(path)) throw new CouldNotAsk(`there is no file ${path}`);
  const base = path.split('/').findIndex((part) => /[*?]/.test(part));
  const folder = path.split('/').slice(0, base).join('/') || (path.startsWith('/') ? '/' : '.');
  const matching = (await walk(folder, terminal)).filter((file) => isMatch(file, path));
  if (matching.length === 0) throw new CouldNotAsk(`no file matches ${path}`);
  return matching;
}

function isMatch(file: string, pattern: string): boolean {
  return expressionOf(normalize(pattern)).test(normalize(file));
}

/** `*`, `?` and `**`, as shells have them. Node.js 20, which the bundle runs on, knows no globs. */
function expressionOf(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/|[*?]|[^\w/*?-]/g, (mark) => {
    if (mark === '**/') return '(?:[^/]+/)*';
    if (mark === '*') return '[^/]*';
    return mark === '?' ? '[^/]' : `\\${mark}`;
  });
  return new RegExp(`^${source}$`, 'u');
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new CouldNotAsk(`cannot read ${path}: ${messageOf(error)}`);
  }
}

async function walk(folder: string, terminal: Pick<Terminal, 'err'>): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => {
    throw new CouldNotAsk(`cannot read ${folder}: ${messageOf(error)}`);
  });
  const names = entries.map(({ name }) => name);
  if (names.includes('Chart.yaml') && names.includes('templates')) {
    terminal.err(
      `${join(folder, 'templates')} is skipped: a chart is checked as helm renders it: helm template ${folder} | openfero lint -`,
    );
  }
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) found.push(...(READ.test(entry.name) ? [path] : []));
    else if (isEntered(entry.name, names)) found.push(...(await walk(path, terminal)));
  }
  return found;
}

const READ = /\.(?:ya?ml|json)$/;

/** What no author writes into. */
const SKIPPED = /^(?:node_modules|\..+)$/;

function isEntered(name: string, siblings: readonly string[]): boolean {
  return !SKIPPED.test(name) && !(name === 'templates' && siblings.includes('Chart.yaml'));
}

async function read(file: string): Promise<string> {
  const found = await statOf(file);
  if ((found?.size ?? 0) > LARGEST_FILE) return '';
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CouldNotAsk(`cannot read ${file}: ${messageOf(error)}`);
  }
}
