import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '@openfero/core/errors';
import { output } from './controlplane/command.ts';
import { builtOnce, exists, type GoBuild, goVersion, requiredVersion } from './gobuild.ts';

const COMPLETE = 'complete KUBEBUILDER_ASSETS, or without it remove the folder for a new build';

const BUILD: GoBuild = {
  name: 'controlplane',
  module: fileURLToPath(new URL('../../../test/controlplane/', import.meta.url)),
  packages: [
    'go.etcd.io/etcd/server/v3',
    'k8s.io/kubernetes/cmd/kube-apiserver',
    'k8s.io/kubernetes/cmd/kube-controller-manager',
    'k8s.io/kubernetes/cmd/kubectl',
  ],
  // The tags of Kubernetes' own releases.
  flags: ['-trimpath', '-tags=selinux,notest,grpcnotrace'],
  linkerFlags: (goMod) => linkerFlags(requiredVersion(goMod, 'k8s.io/kubernetes')),
  announcement: 'building Kubernetes and etcd, once, about 7 minutes',
  alternative: ' or set KUBEBUILDER_ASSETS',
  // Go names a program after the last element of its path that is not a version.
  rename: { server: 'etcd' },
};

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
  const folder = env['KUBEBUILDER_ASSETS'] || (await builtOnce(BUILD, env));
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
    else await goVersion(BUILD, env);
    return undefined;
  } catch (error) {
    return `no Kubernetes control plane: ${messageOf(error)}`;
  }
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
