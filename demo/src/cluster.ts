import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The cluster that the demo runs on. */
export interface DemoCluster {
  /** The worker's settings for it. */
  readonly workerEnv: Readonly<Record<string, string>>;
  /** Where to find a Job, and its YAML. */
  job(name: string): Promise<{ readonly where: string; readonly yaml: string }>;
  /** Lines for the user: how to inspect the cluster and add to it. */
  readonly hints: readonly string[];
  stop(): Promise<void>;
  /** Removes what stop() leaves for the user to inspect. */
  clear(): Promise<void>;
}

const EXAMPLES = fileURLToPath(new URL('../../deploy/examples/operarii', import.meta.url));

/** Two folders in a temporary folder, which stays. */
export async function directoryCluster(): Promise<DemoCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'openfero-demo-'));
  const operarii = join(folder, 'operarii');
  const jobs = join(folder, 'jobs');
  await mkdir(jobs);
  await cp(EXAMPLES, operarii, { recursive: true });
  return {
    workerEnv: {
      OPENFERO_CLUSTER: 'directory',
      OPENFERO_OPERARII_DIR: operarii,
      OPENFERO_JOBS_DIR: jobs,
    },
    async job(name) {
      const where = join(jobs, `${name}.yaml`);
      return { where, yaml: await readFile(where, 'utf8') };
    },
    hints: [`operarii  ${operarii}   add your own ConfigMaps here`],
    stop: async () => {},
    clear: () => rm(folder, { recursive: true }),
  };
}

const NAMESPACE = 'openfero-demo';

/**
 * A Kubernetes control plane: a real API server and controllers, but no nodes. Loaded only on request,
 * and built from source the first time.
 *
 * @throws naming what is missing
 */
export async function controlPlaneCluster(): Promise<DemoCluster> {
  const { missingControlPlane, startControlPlane } = await import('@openfero/testkit/controlplane');
  const missing = await missingControlPlane();
  if (missing !== undefined) throw new Error(missing);
  const plane = await startControlPlane();
  await plane.createNamespace(NAMESPACE);
  await plane.kubectl(['apply', '-n', NAMESPACE, '-f', EXAMPLES]);
  const kubectl = `kubectl --kubeconfig ${plane.adminKubeconfig} -n ${NAMESPACE}`;
  return {
    workerEnv: {
      OPENFERO_CLUSTER: 'kubernetes',
      OPENFERO_CONFIGMAP_NAMESPACE: NAMESPACE,
      KUBECONFIG: plane.adminKubeconfig,
    },
    job: async (name) => ({
      where: `${kubectl} get job ${name}`,
      yaml: await plane.kubectl(['get', 'job', name, '-n', NAMESPACE, '-o', 'yaml']),
    }),
    hints: [
      `cluster   ${kubectl} get jobs`,
      `operarii  ${kubectl} describe configmaps   see the Events of the operarii`,
    ],
    stop: () => plane.stop(),
    clear: async () => {},
  };
}
