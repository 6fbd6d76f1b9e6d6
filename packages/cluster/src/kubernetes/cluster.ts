import { hostname } from 'node:os';
import type { Logger } from '@openfero/service/log';
import type { Cluster } from '../cluster.ts';
import type { ClusterSettings } from '../settings.ts';
import type { Access } from './access/access.ts';
import { serviceAccountOf } from './access/service-account.ts';
import { createEventRecorder } from './events/recorder.ts';
import { createApi } from './http/api.ts';
import type { OnRequest } from './http/client.ts';
import { createKubernetesJobs } from './jobs.ts';
import { createKubernetesOperarii } from './operarii.ts';
import { TIMING, type Timing } from './timing.ts';
import { waitAtMost } from './waiting.ts';

export interface KubernetesOptions {
  /** How many Jobs are created at the same time. */
  readonly concurrency: number;
  readonly onRequest: OnRequest;
  readonly timing?: Timing;
}

/** More creates at the same time do not increase the throughput of an API server (measured). */
const MAX_CREATES = 64;

/** Three watches, a ping, and Events one by one. */
const OTHER_CONNECTIONS = 5;

/**
 * Milliseconds for which the start waits for the first lists, so that they are there for what runs
 * first. Without an API server it continues, and the cluster reports that it is blocked.
 */
const FIRST_LISTS = 1000;

/**
 * Creates a cluster behind an API server.
 *
 * @throws {InvalidSetting} where the credentials cannot be read
 */
export async function createKubernetesCluster(
  settings: ClusterSettings,
  access: Access,
  { concurrency, onRequest, timing = TIMING }: KubernetesOptions,
  log: Logger,
): Promise<Cluster> {
  const { configMapNamespace, jobNamespace, labelSelector } = settings;
  const connections = Math.min(concurrency, MAX_CREATES) + OTHER_CONNECTIONS;
  const userAgent = 'openfero-worker';
  const api = await createApi({ access, connections, timing, userAgent, onRequest }, log);
  warnOfRisks(settings, access, log);
  const dependencies = { api, timing, log };
  const selector = { namespace: configMapNamespace, labelSelector };
  const { operarii, watches: operariiWatches } = createKubernetesOperarii(selector, dependencies);
  const { jobs, watch: jobWatch } = createKubernetesJobs(jobNamespace, dependencies);
  const watches = [...operariiWatches, jobWatch];
  const events = createEventRecorder(api, { instance: hostname(), log });
  const serviceAccount = serviceAccountOf(api.token, jobNamespace);
  await waitAtMost(FIRST_LISTS, Promise.all(watches.map(({ listed }) => listed)));
  return {
    operarii,
    jobs,
    events,
    ...(serviceAccount !== undefined && { serviceAccount }),
    blocked: () => watches.map((one) => one.problem()).find((problem) => problem !== undefined),
    watchAges: () => ({
      configmaps: Math.max(...operariiWatches.map((one) => one.age())),
      jobs: jobWatch.age(),
    }),
    ping: api.ping,
    async close() {
      // Before the API is closed: the last Events are written through it.
      await events.close();
      const closed = watches.map((one) => one.close());
      await api.close();
      await Promise.all(closed);
    },
  };
}

function warnOfRisks(
  { configMapNamespace, jobNamespace }: ClusterSettings,
  access: Access,
  log: Logger,
): void {
  if (access.inPod && [configMapNamespace, jobNamespace].includes(access.namespace ?? '')) {
    log.warn(
      `operarii or Jobs are in OpenFero's own namespace ${access.namespace}, where anyone who can write ConfigMaps can run pods as OpenFero: set OPENFERO_CONFIGMAP_NAMESPACE to a separate namespace`,
    );
  }
  if (access.insecure) {
    log.warn(
      'KUBECONFIG sets insecure-skip-tls-verify, so any server can pose as the API server: set certificate-authority instead',
    );
  }
}
