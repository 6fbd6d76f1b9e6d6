import { join } from 'node:path';

export interface Addresses {
  readonly folder: string;
  readonly apiServer: number;
  readonly etcd: number;
  readonly etcdPeer: number;
}

/** Without fsync a create is several times cheaper, and tests need not survive a power failure. */
export function etcdFlags({ folder, etcd, etcdPeer }: Addresses): string[] {
  const client = `http://127.0.0.1:${etcd}`;
  const peer = `http://127.0.0.1:${etcdPeer}`;
  return [
    '--name=test',
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=test=${peer}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

/**
 * As in a cluster, with the defaults for admission, anonymous access and fairness. Without the endpoints
 * of its own service, since Kubernetes refuses loopback addresses there.
 */
export function apiServerFlags({ folder, apiServer, etcd }: Addresses): string[] {
  const file = (name: string) => join(folder, name);
  return [
    `--etcd-servers=http://127.0.0.1:${etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    '--endpoint-reconciler-type=none',
    `--secure-port=${apiServer}`,
    `--tls-cert-file=${file('apiserver.crt')}`,
    `--tls-private-key-file=${file('apiserver.key')}`,
    `--client-ca-file=${file('ca.crt')}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-signing-key-file=${file('service-accounts.key')}`,
    `--service-account-key-file=${file('service-accounts.key')}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    '--allow-privileged=true',
  ];
}

/**
 * Only what Jobs need; the rest would cost CPU on a small machine. The limit of 20 requests per second is
 * raised, since tests create many Jobs at once and wait for them.
 */
const CONTROLLERS = [
  'garbage-collector-controller',
  'job-controller',
  'namespace-controller',
  'resourcequota-controller',
  'serviceaccount-controller',
  'ttl-after-finished-controller',
];

export function controllerManagerFlags({ folder }: Addresses): string[] {
  return [
    `--kubeconfig=${join(folder, 'admin.kubeconfig')}`,
    `--controllers=${CONTROLLERS.join(',')}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--kube-api-qps=500',
    '--kube-api-burst=500',
  ];
}
