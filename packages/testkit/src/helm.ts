import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '@openfero/core/errors';
import { output } from './controlplane/command.ts';
import { builtOnce, type GoBuild, goVersion } from './gobuild.ts';

const BUILD: GoBuild = {
  name: 'helm',
  module: fileURLToPath(new URL('../../../test/helm/', import.meta.url)),
  packages: ['helm.sh/helm/v4/cmd/helm'],
  flags: ['-trimpath'],
  linkerFlags: () => '-s -w',
  announcement: 'building helm, once, about 3 minutes',
  alternative: '',
};

/** The chart of the repository. */
export const CHART = fileURLToPath(new URL('../../../deploy/helm/openfero', import.meta.url));

/** Why there is no helm, in one line for the user; undefined if there is one. */
export async function missingHelm(env = process.env): Promise<string | undefined> {
  try {
    await goVersion(BUILD, env);
    return undefined;
  } catch (error) {
    return `no helm: ${messageOf(error)}`;
  }
}

/** Runs helm. @returns its standard output @throws its standard error, if it fails */
export type Helm = (...args: readonly string[]) => Promise<string>;

/**
 * helm as test/helm/go.mod pins it, built once. It sees none of the user's repositories, plugins and
 * clusters.
 * Give the commands that need a cluster a `--kubeconfig`.
 */
export async function openHelm(env = process.env): Promise<Helm> {
  const folder = await builtOnce(BUILD, env);
  return async (...args) => {
    const home = await mkdtemp(join(tmpdir(), 'openfero-helm-'));
    try {
      return await output(join(folder, 'helm'), args, {
        env: { PATH: env['PATH'], HOME: home },
      });
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  };
}
