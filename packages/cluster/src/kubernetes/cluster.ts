import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@openfero/service/log';
import type { Cluster } from '../cluster.ts';
import type { ClusterSettings } from '../settings.ts';
import type { Access } from './access/access.ts';
import { serviceAccountOf } from './access/service-account.ts';
import { createEventRecorder } from './events/recorder.ts';
import { openApi } from './http/api.ts';
import type { OnRequest } from './http/calls.ts';
import { TIMING, type Timing } from './http/timing.ts';
import { watchJobs } from './jobs.ts';
import { watchOperarii } from './operarii.ts';

export interface KubernetesOptions {
  /** Jobs created at once. */
  readonly concurrency: number;
  readonly onRequest: OnRequest;
  readonly timing?: Timing;
}

/** More creates at once measured no more throughput of an API server. */
const MAX_CREATES = 64;

/** Three watches, a ping, and Events one by one. */
const OTHER_CONNECTIONS = 5;

/**
 * Milliseconds that the start waits for the first lists, so that what runs at the start finds them.
 * Without an API server it goes on all the same, and the cluster says that it is blocked.
 */
const FIRST_LISTS = 1000;

/**
 * A cluster behind an API server.
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
  const api = await openApi({ access, connections, timing, onRequest }, log);
  warn(settings, access, log);
  const means = { api, timing, log };
  const { operarii, watches } = watchOperarii(
    { namespace: configMapNamespace, labelSelector },
    means,
  );
  const { jobs, watch } = watchJobs(jobNamespace, means);
  const all = [...watches, watch];
  const events = createEventRecorder(api, { instance: hostname(), log });
  const serviceAccount = serviceAccountOf(api.token, jobNamespace);
  await firstOf(Promise.all(all.map(({ listed }) => listed)), FIRST_LISTS);
  return {
    operarii,
    jobs,
    events,
    ...(serviceAccount !== undefined && { serviceAccount }),
    blocked: () => all.map((one) => one.problem()).find((problem) => problem !== undefined),
    watchAges: () => ({
      configmaps: Math.max(...watches.map((one) => one.age())),
      jobs: watch.age(),
    }),
    ping: api.ping,
    async close() {
      // What it has to say needs the API.
      await events.close();
      const closed = all.map((one) => one.close());
      await api.close();
      await Promise.all(closed);
    },
  };
}

function warn(
  { configMapNamespace, jobNamespace }: ClusterSettings,
  access: Access,
  log: Logger,
): void {
  if (access.inPod && [configMapNamespace, jobNamespace].includes(access.namespace ?? '')) {
    log.warn(
      `operarii or Jobs are in OpenFero's own namespace ${access.namespace}, where who may write ConfigMaps may act as OpenFero: set OPENFERO_CONFIGMAP_NAMESPACE to one of their own`,
    );
  }
  if (access.insecure) {
    log.warn('KUBECONFIG says insecure-skip-tls-verify: anybody may be the API server');
  }
}

async function firstOf(promise: Promise<unknown>, limit: number): Promise<void> {
  const done = new AbortController();
  const late = sleep(limit, undefined, { signal: done.signal }).catch(() => undefined);
  await Promise.race([promise, late]);
  done.abort();
}
