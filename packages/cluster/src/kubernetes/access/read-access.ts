import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { type Environment, InvalidSetting, text } from '@openfero/service/settings';
import type { Access } from './access.ts';
import { readKubeconfig } from './kubeconfig.ts';

const MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Finds the API server: KUBECONFIG where it is set, else the pod's own. Never ~/.kube/config, which
 * would point a worker started by chance at whatever cluster its user last looked at.
 *
 * @param mount where a pod finds its ServiceAccount
 * @throws {InvalidSetting} naming KUBECONFIG
 */
export function readAccess(env: Environment, mount = MOUNT): Access {
  const kubeconfig = text(env, 'KUBECONFIG');
  if (kubeconfig !== undefined) return readKubeconfig(kubeconfig);
  const host = text(env, 'KUBERNETES_SERVICE_HOST');
  if (host === undefined) {
    throw new InvalidSetting(
      'KUBECONFIG',
      'is not set and this is no pod: set it to a kubeconfig file, or OPENFERO_CLUSTER to directory',
    );
  }
  return accessOfPod(`${bracketed(host)}:${text(env, 'KUBERNETES_SERVICE_PORT') ?? '443'}`, mount);
}

function accessOfPod(address: string, mount: string): Access {
  const tokenFile = join(mount, 'token');
  if (!existsSync(tokenFile)) {
    throw new InvalidSetting(
      'KUBECONFIG',
      `is not set and the pod has no ${tokenFile}: set automountServiceAccountToken to true`,
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
