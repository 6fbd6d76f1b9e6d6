import assert from 'node:assert/strict';
import type { Cluster } from '@openfero/cluster/cluster';
import { createDirectoryCluster } from '@openfero/cluster/directory/cluster';
import { createOperariusRegistry } from '@openfero/core/decisions/registry';
import type { Remediation } from '@openfero/core/redis/remediation';
import { NO_TRACING } from '@openfero/service/tracing';
import { pino } from 'pino';
import type { Alertmanagers } from '../src/alertmanager/ask.ts';
import { createEpisodeMemory } from '../src/redis/memory.ts';
import { createPlaces } from '../src/redis/places.ts';
import type { AttemptResult, Delivery, Dependencies } from '../src/remediation/attempt.ts';
import { remediate } from '../src/remediation/remediate.ts';
import { readSettings } from '../src/settings.ts';
import type { Sandbox } from './worker.ts';

/**
 * One attempt over real Redis and folders, in the hands of the test.
 *
 * @param change what this attempt's cluster does otherwise
 * @param alertmanagers asked before the create, if any
 */
export async function step(
  sandbox: Sandbox,
  delivery: Delivery,
  change?: (cluster: Cluster) => Cluster,
  alertmanagers?: Alertmanagers,
): Promise<AttemptResult> {
  const deps = { ...(await dependenciesOf(sandbox, change)), alertmanagers };
  try {
    return await remediate(delivery, deps);
  } finally {
    await deps.cluster.close();
  }
}

/** What attempts over real Redis and folders work with. @param change what their cluster does otherwise */
export async function dependenciesOf(
  sandbox: Sandbox,
  change: (cluster: Cluster) => Cluster = (cluster) => cluster,
): Promise<Dependencies> {
  const settings = readSettings(sandbox.env);
  const { redis, prefix, queue } = sandbox;
  assert.ok(settings.cluster.kind === 'directory');
  const log = pino({ level: 'silent' });
  const cluster = change(await createDirectoryCluster(settings, settings.cluster, log));
  const { maxActiveJobs } = settings;
  return {
    ...{ settings, cluster, tracing: NO_TRACING },
    registry: createOperariusRegistry(cluster, settings.policy),
    memory: createEpisodeMemory(redis, prefix),
    places: createPlaces({ redis, prefix, queue, maxActiveJobs, historyCount: 1000 }),
  };
}

/** The first delivery of a remediation, locked for this attempt. */
export const deliveryBy = async (sandbox: Sandbox, given: Remediation): Promise<Delivery> => ({
  remediation: given,
  entry: await sandbox.lock(given),
  again: false,
  lastError: undefined,
  confirmLock: async () => {},
  save: async () => {},
  freeOccurrence: async () => {},
});
