import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { type Environment, InvalidSetting, text } from '@openfero/service/settings';
import type { Access } from './access.ts';
import { readKubeconfig } from './kubeconfig.ts';

const MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Finds the API server: from KUBECONFIG if it is set, else from the pod. ~/.kube/config is never
 * used: a worker started by accident would act on whatever cluster its user worked with last.
 *
 * @param mount folder with the pod's ServiceAccount token
 * @throws {InvalidSetting} that names KUBECONFIG
 */
export function readAccess(env: Environment, mount = MOUNT): Access {
  const kubeconfig = text(env, 'KUBECONFIG');
  if (kubeconfig !== undefined) return readKubeconfig(kubeconfig);
  const host = text(env, 'KUBERNETES_SERVICE_HOST');
  if (host === undefined) {
    throw new InvalidSetting(
      'KUBECONFIG',
      'is not set, and the worker does not run in a pod: set it to a kubeconfig file, or set OPENFERO_CLUSTER=directory',
    );
  }
  return accessOfPod(`${bracketed(host)}:${text(env, 'KUBERNETES_SERVICE_PORT') ?? '443'}`, mount);
}

function accessOfPod(address: string, mount: string): Access {
  const tokenFile = join(mount, 'token');
  if (!existsSync(tokenFile)) {
    throw new InvalidSetting(
      'KUBECONFIG',
      `is not set, and the pod has no ServiceAccount token (${tokenFile}): set automountServiceAccountToken: true`,
    );
  }
  return {
    server: `https://${address}`,
    namespace: namespaceOf(mount),
    inPod: true,
    ca: { file: join(mount, 'ca.crt') },
    servername: undefined,
    insecure: false,
    identity: { tokenFile },
    impersonate: {},
  };
}

function namespaceOf(mount: string): string | undefined {
  const file = join(mount, 'namespace');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() || undefined : undefined;
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
