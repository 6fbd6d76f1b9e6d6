import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { messageOf } from '@openfero/core/errors';
import { output } from './controlplane/command.ts';
import { holding } from './controlplane/lock.ts';

const MODULE = fileURLToPath(new URL('../../../test/controlplane/', import.meta.url));
const PACKAGES = [
  'go.etcd.io/etcd/server/v3',
  'k8s.io/kubernetes/cmd/kube-apiserver',
  'k8s.io/kubernetes/cmd/kube-controller-manager',
  'k8s.io/kubernetes/cmd/kubectl',
];
/** The tags of Kubernetes' own releases. */
const FLAGS = ['-trimpath', '-tags=selinux,notest,grpcnotrace'];
const COMPLETE = 'complete KUBEBUILDER_ASSETS, or without it remove the folder for a new build';
const PROGRESS_EVERY_MS = 15_000;

export interface ControlPlaneTools {
  readonly etcd: string;
  readonly kubeApiServer: string;
  readonly kubectl: string;
  /** Undefined in a KUBEBUILDER_ASSETS folder without it, which is usual. */
  readonly kubeControllerManager: string | undefined;
}

/**
 * The programs of the control plane: from KUBEBUILDER_ASSETS if it is set, otherwise built once from
 * test/controlplane/go.mod into the user's cache folder.
 *
 * @throws with the message of `missingControlPlane`
 */
export async function controlPlaneTools(env = process.env): Promise<ControlPlaneTools> {
  const folder = env['KUBEBUILDER_ASSETS'] || (await builtOnce(env));
  const controllerManager = join(folder, 'kube-controller-manager');
  const tools = {
    etcd: join(folder, 'etcd'),
    kubeApiServer: join(folder, 'kube-apiserver'),
    kubectl: join(folder, 'kubectl'),
    kubeControllerManager: (await exists(controllerManager)) ? controllerManager : undefined,
  };
  for (const program of [tools.etcd, tools.kubeApiServer, tools.kubectl]) {
    if (!(await exists(program))) throw new Error(`${program} is missing: ${COMPLETE}`);
  }
  return tools;
}

/** Why there is no control plane, in one line for the user; undefined if there is one. */
export async function missingControlPlane(env = process.env): Promise<string | undefined> {
  try {
    await output('openssl', ['version'], { env });
    if (env['KUBEBUILDER_ASSETS']) await controlPlaneTools(env);
    else await goVersion(env);
    return undefined;
  } catch (error) {
    return `no Kubernetes control plane: ${messageOf(error)}`;
  }
}

/** The folder of the four programs. Its name contains everything that determines its contents. */
async function builtOnce(env: NodeJS.ProcessEnv): Promise<string> {
  const go = await goVersion(env);
  const sums = await readFile(join(MODULE, 'go.sum'));
  const module = await readFile(join(MODULE, 'go.mod'));
  const hash = createHash('sha256')
    .update([go, ...FLAGS].join(' '))
    .update(module)
    .update(sums);
  const cache = join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'openfero/controlplane');
  const folder = join(cache, hash.digest('hex').slice(0, 16));
  if (await exists(folder)) return folder;
  await mkdir(cache, { recursive: true });
  await holding(`${folder}.lock`, async () => {
    if (!(await exists(folder))) await build(folder, kubernetesVersion(module.toString()), env);
  });
  return folder;
}

async function goVersion(env: NodeJS.ProcessEnv): Promise<string> {
  try {
    return (
      await output('go', ['env', 'GOVERSION', 'GOOS', 'GOARCH'], { cwd: MODULE, env })
    ).trim();
  } catch (error) {
    const reason = messageOf(error);
    const wanted = 'install Go 1.26 (https://go.dev/dl) or set KUBEBUILDER_ASSETS';
    throw new Error(`it is built with Go, and ${reason}; ${wanted}`);
  }
}

/** Builds in another folder and renames it, so that the folder is always complete. */
async function build(folder: string, version: string, env: NodeJS.ProcessEnv): Promise<void> {
  const half = await mkdtemp(`${folder}.building-`);
  console.error(`controlplane: building Kubernetes ${version} and etcd, once, about 7 minutes`);
  const started = Date.now();
  try {
    await goBuild(half, version, env);
    // Go names a program after the last element of its path that is not a version.
    await rename(join(half, 'server'), join(half, 'etcd'));
    await rename(half, folder).catch(async (error) => {
      // Another process may have finished the same build first (see lock.ts).
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(half, { recursive: true, force: true });
  }
  const seconds = Math.round((Date.now() - started) / 1000);
  console.error(`controlplane: built in ${seconds} s, kept in ${folder}`);
}

/** `nice`: the build must not slow down other work on the machine. */
async function goBuild(folder: string, version: string, env: NodeJS.ProcessEnv): Promise<void> {
  const flags = [...FLAGS, `-ldflags=${linkerFlags(version)}`];
  const command = ['-n', '10', 'go', 'build', '-v', '-o', `${folder}/`, ...flags, ...PACKAGES];
  const child = spawn('nice', command, {
    cwd: MODULE,
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
    console.error(`controlplane: ${lines.length} steps done, now ${line}`);
  });
  const [code] = await ended;
  if (code !== 0) throw new Error(`go build failed:\n${lines.slice(-10).join('\n')}`);
}

/** The API server parses its version; without these it would be v0.0.0-master. */
function linkerFlags(version: string): string {
  const [major, minor] = version.slice(1).split('.');
  const settings = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap(
    (name) => [
      `-X ${name}.gitVersion=${version}`,
      `-X ${name}.gitMajor=${major}`,
      `-X ${name}.gitMinor=${minor}`,
    ],
  );
  return ['-s', '-w', ...settings].join(' ');
}

function kubernetesVersion(module: string): string {
  const version = /^\s*k8s\.io\/kubernetes (v\S+)/m.exec(module)?.[1];
  if (version === undefined) throw new Error(`${MODULE}go.mod does not require k8s.io/kubernetes`);
  return version;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
