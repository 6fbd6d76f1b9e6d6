import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The cluster that the demo plays on. */
export interface Stage {
  /** The worker's settings of it. */
  readonly workerEnv: Readonly<Record<string, string>>;
  /** Where a Job is to be seen, and what it is. */
  job(name: string): Promise<{ readonly where: string; readonly yaml: string }>;
  /** How to look at it and to add to it: lines for people. */
  readonly hints: readonly string[];
  stop(): Promise<void>;
  /** Removes what stop() leaves for people to look at. */
  clear(): Promise<void>;
}

const EXAMPLES = fileURLToPath(new URL('../../deploy/examples/operarii', import.meta.url));

/** Two folders in a working folder of its own, which stays. */
export async function directoryStage(): Promise<Stage> {
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
    hints: [`operarii  ${operarii}   put a ConfigMap of your own here`],
    stop: async () => {},
    clear: () => rm(folder, { recursive: true }),
  };
}

const NAMESPACE = 'openfero-demo';

/**
 * A control plane of Kubernetes: a real API server, and controllers, but no nodes. Loaded only where it
 * is asked for; built from source the first time.
 *
 * @throws saying what is missing
 */
export async function controlPlaneStage(): Promise<Stage> {
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
      `operarii  ${kubectl} describe configmaps   their Events tell what became of them`,
    ],
    stop: () => plane.stop(),
    clear: async () => {},
  };
}
