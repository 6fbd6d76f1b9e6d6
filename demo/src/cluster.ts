import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '@openfero/testkit/controlplane';

/** How a Job ends in the play. */
export type PlayedFate = 'succeeded' | 'failed';

/** The cluster that the demo runs on. */
export interface DemoCluster {
  /** The worker's settings for it. */
  readonly workerEnv: Readonly<Record<string, string>>;
  /** The folder with the operarii, for the user to edit. */
  readonly operarii: string;
  /** The command that brings edited operarii into the cluster, if one is needed. */
  readonly apply?: string;
  /** Where the Jobs are: a folder or a command. */
  readonly jobs: string;
  /** What it lacks. */
  readonly note: string;
  /** Where to find a Job, and its YAML. */
  job(name: string): Promise<{ readonly where: string; readonly yaml: string }>;
  /** Ends a Job, since nothing runs it. */
  end(name: string, fate: PlayedFate): Promise<void>;
  stop(): Promise<void>;
  /** Removes what stop() leaves for the user to inspect. */
  clear(): Promise<void>;
}

const EXAMPLES = fileURLToPath(new URL('../../deploy/examples/operarii', import.meta.url));
const BROKEN = fileURLToPath(new URL('../broken', import.meta.url));

const FAILING = fileURLToPath(new URL('../failing', import.meta.url));

/** The file of the operarius whose Job fails. */
const FAILING_OPERARIUS = 'certificateexpires-firing.yaml';

/** The file of the operarius that has a mistake. */
export const BROKEN_OPERARIUS = 'diskalmostfull-firing.yaml';

/** Two folders in a temporary folder, which stays. */
export async function directoryCluster(): Promise<DemoCluster> {
  const folder = await copyOperarii();
  const operarii = join(folder, 'operarii');
  const jobs = join(folder, 'jobs');
  await mkdir(jobs);
  return {
    workerEnv: {
      OPENFERO_CLUSTER: 'directory',
      OPENFERO_OPERARII_DIR: operarii,
      OPENFERO_JOBS_DIR: jobs,
    },
    operarii,
    jobs,
    note: 'Two folders take the place of a cluster: the Jobs are written to files, and the demo plays how they end.',
    async job(name) {
      const where = join(jobs, `${name}.yaml`);
      return { where, yaml: await readFile(where, 'utf8') };
    },
    end: (name, fate) => writeFile(join(jobs, `${name}.${fate}`), ''),
    stop: async () => {},
    clear: () => rm(folder, { recursive: true }),
  };
}

/** @returns a new temporary folder, with the operarii in `operarii` */
async function copyOperarii(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'openfero-demo-'));
  await cp(EXAMPLES, join(folder, 'operarii'), { recursive: true });
  await cp(join(BROKEN, BROKEN_OPERARIUS), join(folder, 'operarii', BROKEN_OPERARIUS));
  await cp(join(FAILING, FAILING_OPERARIUS), join(folder, 'operarii', FAILING_OPERARIUS));
  return folder;
}

const NAMESPACE = 'openfero-demo';

/**
 * A Kubernetes control plane: a real API server and controllers, but no nodes. Loaded only on request,
 * and built from source the first time.
 *
 * @throws naming what is missing
 */
export async function controlPlaneCluster(): Promise<DemoCluster> {
  const { finishJob, missingControlPlane, startControlPlane } = await import(
    '@openfero/testkit/controlplane'
  );
  const missing = await missingControlPlane();
  if (missing !== undefined) throw new Error(missing);
  console.log('\nStarting a Kubernetes control plane.');
  const plane = await startControlPlane();
  const folder = await copyOperarii();
  const operarii = join(folder, 'operarii');
  await plane.createNamespace(NAMESPACE);
  await plane.kubectl(['apply', '-n', NAMESPACE, '-f', operarii]);
  const kubectl = await writeKubectl(folder, plane);
  return {
    workerEnv: {
      OPENFERO_CLUSTER: 'kubernetes',
      OPENFERO_CONFIGMAP_NAMESPACE: NAMESPACE,
      KUBECONFIG: plane.adminKubeconfig,
    },
    operarii,
    apply: `${kubectl} apply -f ${operarii}`,
    jobs: `${kubectl} get jobs`,
    note: 'The cluster has no nodes: the Jobs are created, and the demo plays how they end.',
    job: async (name) => ({
      where: `${kubectl} get job ${name} -o yaml`,
      yaml: await plane.kubectl(['get', 'job', name, '-n', NAMESPACE, '-o', 'yaml']),
    }),
    end: (name, fate) =>
      finishJob(plane, { namespace: NAMESPACE, name }, fate === 'failed' ? 'Failed' : 'Succeeded'),
    stop: () => plane.stop(),
    clear: () => rm(folder, { recursive: true }),
  };
}

/**
 * Writes a short command for the user: not every machine that can build a control plane has a kubectl of
 * its own, and the paths are long.
 *
 * @returns its path
 */
async function writeKubectl(folder: string, plane: Cluster): Promise<string> {
  const path = join(folder, 'kubectl');
  const command = `"${plane.folder}/kubectl" --kubeconfig "${plane.adminKubeconfig}" -n ${NAMESPACE}`;
  await writeFile(path, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o700 });
  return path;
}
