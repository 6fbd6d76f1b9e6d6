import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * The path of a program: on PATH, or installed with apt-get if possible.
 *
 * @param names possible names; the first one found counts
 * @param debianPackage package that contains it
 */
export function findProgram(names: readonly string[], debianPackage: string): string | undefined {
  const find = (): string | undefined => names.map(onPath).find((path) => path !== undefined);
  return find() ?? (install(debianPackage) ? find() : undefined);
}

function onPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Test files run at the same time, and apt-get fails where another one runs. */
const LOCK = join(tmpdir(), 'openfero-apt-get.lock');

function install(debianPackage: string): boolean {
  if (process.getuid?.() !== 0 || onPath('apt-get') === undefined) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const locked = onPath('flock') === undefined ? [] : ['flock', LOCK];
  const aptGet = (...args: string[]): boolean => {
    const [command = '', ...rest] = [...locked, 'apt-get', '-qq', ...args];
    return spawnSync(command, rest, { env, stdio: 'ignore' }).status === 0;
  };
  return aptGet('update') && aptGet('install', '-y', '--no-install-recommends', debianPackage);
}
