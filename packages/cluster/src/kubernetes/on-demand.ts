import { type ConfigMap, isObject } from '@openfero/core/kubernetes';
import type { Logger } from '@openfero/service/log';
import { objectAt, stringAt } from '../json.ts';
import type { Access } from './access/access.ts';
import { createSwitch, type SwitchInCluster } from './global-switch.ts';
import { type Api, createApi } from './http/api.ts';
import { createJobCalls, type JobCalls, jobsPath, OURS } from './job-calls.ts';
import { type ConfigMapSelector, listOperarii } from './operarii.ts';
import { TIMING } from './timing.ts';
import { listWorkerPods, type WorkerPod } from './worker-pods.ts';

export type { Confirmation, SwitchInCluster } from './global-switch.ts';
export type { JobCalls } from './job-calls.ts';

/**
 * A cluster for a command of a person: it asks when it is told to, and watches nothing. Each call throws
 * ClusterError.
 */
export interface ClusterOnDemand {
  /** The operarii and the switch. */
  operarii(selector: ConfigMapSelector): Promise<readonly ConfigMap[]>;
  jobs(namespace: string): JobCalls;
  /** The names of the Jobs that OpenFero created. */
  ourJobs(namespace: string): Promise<ReadonlySet<string>>;
  globalSwitch(namespace: string): SwitchInCluster;
  /** Those of a namespace in which a worker runs, or may run. */
  workerPods(namespace: string): Promise<readonly WorkerPod[]>;
  close(): Promise<void>;
}

/** @throws {InvalidSetting} where the credentials cannot be read */
export async function openCluster(access: Access, log: Logger): Promise<ClusterOnDemand> {
  const asking = { connections: 1, userAgent: 'openfero-cli', onRequest: () => {} };
  const api = await createApi({ access, timing: TIMING, ...asking }, log);
  return {
    operarii: (selector) => listOperarii(selector, api),
    jobs: (namespace) => createJobCalls(namespace, api, TIMING),
    ourJobs: (namespace) => listOurJobs(namespace, api),
    globalSwitch: (namespace) => createSwitch(namespace, api),
    workerPods: (namespace) => listWorkerPods(namespace, api),
    close: () => api.close(),
  };
}

/** A namespace may hold ten thousand: their names are all that is needed. */
async function listOurJobs(namespace: string, api: Api): Promise<ReadonlySet<string>> {
  const list = await api.listMetadata(jobsPath(namespace), { labelSelector: OURS });
  const { items } = isObject(list) ? list : {};
  const names = (Array.isArray(items) ? items : []).map((item) =>
    stringAt(objectAt(item, 'metadata'), 'name'),
  );
  return new Set(names.filter((name) => name !== undefined));
}
