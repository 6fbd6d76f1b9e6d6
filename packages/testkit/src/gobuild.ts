import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf } from '@openfero/core/errors';
import { output } from './controlplane/command.ts';
import { holding } from './controlplane/lock.ts';

const PROGRESS_EVERY_MS = 15_000;

/** Programs that are built from a Go module which lists them as tools. */
export interface GoBuild {
  /** Names the folder in the cache. */
  readonly name: string;
  /** Folder of the go.mod. */
  readonly module: string;
  readonly packages: readonly string[];
  readonly flags: readonly string[];
  /** @param goMod content of go.mod */
  linkerFlags(goMod: string): string;
  /** Printed before the build: what it builds, and how long that takes. */
  readonly announcement: string;
  /** What to do where there is no Go. */
  readonly alternative: string;
  /** Programs to rename after the build, by the name that Go gives them. */
  readonly rename?: Readonly<Record<string, string>>;
}

/**
 * The folder of the programs: built once into the user's cache folder. Its name contains everything that
 * determines its contents.
 */
export async function builtOnce(build: GoBuild, env: NodeJS.ProcessEnv): Promise<string> {
  const go = await goVersion(build, env);
  const sums = await readFile(join(build.module, 'go.sum'));
  const goMod = await readFile(join(build.module, 'go.mod'));
  const hash = createHash('sha256')
    .update([go, ...build.flags].join(' '))
    .update(goMod)
    .update(sums);
  const cache = join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'openfero', build.name);
  const folder = join(cache, hash.digest('hex').slice(0, 16));
  if (await exists(folder)) return folder;
  await mkdir(cache, { recursive: true });
  await holding(`${folder}.lock`, async () => {
    if (!(await exists(folder)))
      await buildInto(folder, { ...build, goMod: goMod.toString() }, env);
  });
  return folder;
}

/** @throws saying what to install if there is no Go */
export async function goVersion(
  build: Pick<GoBuild, 'module' | 'alternative'>,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  try {
    const args = ['env', 'GOVERSION', 'GOOS', 'GOARCH'];
    return (await output('go', args, { cwd: build.module, env })).trim();
  } catch (error) {
    const reason = messageOf(error);
    const wanted = `install Go 1.26 (https://go.dev/dl)${build.alternative}`;
    throw new Error(`it is built with Go, and ${reason}; ${wanted}`);
  }
}

type ReadBuild = GoBuild & { readonly goMod: string };

/** Builds in another folder and renames it, so that the folder is always complete. */
async function buildInto(folder: string, build: ReadBuild, env: NodeJS.ProcessEnv): Promise<void> {
  const half = await mkdtemp(`${folder}.building-`);
  console.error(`${build.name}: ${build.announcement}`);
  const started = Date.now();
  try {
    await goBuild(half, build, env);
    for (const [from, to] of Object.entries(build.rename ?? {})) {
      await rename(join(half, from), join(half, to));
    }
    await rename(half, folder).catch(async (error) => {
      // Another process may have finished the same build first (see lock.ts).
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(half, { recursive: true, force: true });
  }
  const seconds = Math.round((Date.now() - started) / 1000);
  console.error(`${build.name}: built in ${seconds} s, kept in ${folder}`);
}

/** `nice`: the build must not slow down other work on the machine. */
async function goBuild(folder: string, build: ReadBuild, env: NodeJS.ProcessEnv): Promise<void> {
  const flags = [...build.flags, `-ldflags=${build.linkerFlags(build.goMod)}`];
  const command = ['-n', '10', 'go', 'build', '-v', '-o', `${folder}/`, ...flags];
  const child = spawn('nice', [...command, ...build.packages], {
    cwd: build.module,
    env: { ...env, CGO_ENABLED: '0', GOWORK: 'off' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended: Promise<unknown[]> = once(child, 'close');
  const lines: string[] = [];
  let printed = Date.now();
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    if (Date.now() - printed < PROGRESS_EVERY_MS) return;
    printed = Date.now();
    console.error(`${build.name}: ${lines.length} steps done, now ${line}`);
  });
  const [code] = await ended;
  if (code !== 0) throw new Error(`go build failed:\n${lines.slice(-10).join('\n')}`);
}

/** The version of a module that go.mod requires. @throws if it does not */
export function requiredVersion(goMod: string, path: string): string {
  const line = goMod.split('\n').find((each) => each.trim().startsWith(`${path} v`));
  const version = line?.trim().split(' ')[1];
  if (version === undefined) throw new Error(`go.mod does not require ${path}`);
  return version;
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
