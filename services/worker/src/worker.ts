import { connectCluster } from '@openfero/cluster/connect';
import { createOperariusRegistry } from '@openfero/core/decisions/registry';
import { QUEUE } from '@openfero/core/redis/remediation';
import type { Logger } from '@openfero/service/log';
import { createMetrics } from '@openfero/service/metrics';
import { openQueue } from '@openfero/service/queue';
import { connectRedis } from '@openfero/service/redis';
import { registerDurability, warnOfDurability } from '@openfero/service/redis-durability';
import { registerMemory } from '@openfero/service/redis-memory';
import { watchRedis, writeProbe } from '@openfero/service/redis-watch';
import type { Closing } from '@openfero/service/stop';
import { startTracing } from '@openfero/service/tracing/start';
import { VERSION } from '@openfero/service/version';
import { createAlertmanagers } from './alertmanager/ask.ts';
import { buildApp } from './app.ts';
import { createRecordDecided } from './approvals/decided.ts';
import { startApprovals } from './approvals/start.ts';
import { startChecking } from './check/check.ts';
import { watchMode } from './check/mode.ts';
import { announce, announceHeld } from './ends/announce.ts';
import { watchCannotStart } from './ends/cannot-start.ts';
import { type EndOfJob, onEnds } from './ends/ends.ts';
import { endEntry } from './ends/history.ts';
import { createJobEnding } from './ends/job-ending.ts';
import { startMissingEnds } from './ends/missing-ends.ts';
import { createRecorder, logHeld } from './ends/record.ts';
import { countAlertmanager } from './metrics/alertmanager.ts';
import { registerApprovalMetrics } from './metrics/approvals.ts';
import { registerHistoryMetrics } from './metrics/history.ts';
import { registerJobMetrics } from './metrics/jobs.ts';
import { registerQueueMetrics } from './metrics/queue.ts';
import { registerRaisedMetrics } from './metrics/raised.ts';
import { observeRequests } from './metrics/requests.ts';
import { countRetries } from './metrics/retries.ts';
import { registerRunMetrics } from './metrics/runs.ts';
import { createConsumer, stopConsuming } from './queue/consume.ts';
import { isNotOurs } from './queue/delivery.ts';
import { createGate } from './queue/gate.ts';
import type { HeldNow } from './queue/hold.ts';
import { createProgress } from './queue/progress.ts';
import { startRetention } from './queue/retention.ts';
import { startPosting } from './raise/posting.ts';
import { createRaising } from './raise/raising.ts';
import { createHistory } from './redis/history.ts';
import { createEpisodeMemory } from './redis/memory.ts';
import { createPlaces } from './redis/places.ts';
import { startPresence } from './redis/presence.ts';
import { createReconciler } from './redis/reconcile.ts';
import { startJudging } from './runs/judge.ts';
import type { WorkerSettings } from './settings.ts';

export interface RunningWorker {
  readonly url: string;
  /** What stops it, in order. */
  readonly steps: readonly Closing[];
}

/**
 * Wires a worker together and starts it. It is ready once Redis and the cluster are.
 *
 * @throws {InvalidSetting}
 */
export async function startWorker(settings: WorkerSettings, log: Logger): Promise<RunningWorker> {
  const { prefix, maxActiveJobs, maxRuns, concurrency, historyCount } = settings;
  const metrics = createMetrics();
  const onRequest = observeRequests(metrics);
  const cluster = await connectCluster(settings, { concurrency, onRequest }, log);
  const redis = connectRedis(settings.redis, { kind: 'consumer', name: 'openfero-worker' });
  // A connection of its own: metrics and health must not wait for Redis as consuming does.
  const observer = connectRedis(settings.redis, {
    kind: 'producer',
    name: 'openfero-worker-observer',
    commandTimeoutMs: 1000,
  });
  const queue = openQueue(observer, QUEUE, { prefix }, log);

  const neverStarting = new Map<string, string>();
  const registry = createOperariusRegistry(cluster, settings.policy, neverStarting);
  const memory = createEpisodeMemory(redis, prefix);
  const limits = { maxActiveJobs, maxRuns, historyCount };
  const onLost = (): void => reconciler.reconcile();
  const places = createPlaces({ redis, prefix, queue, onLost, ...limits });
  registerQueueMetrics(metrics, {
    ...{ redis: observer, prefix, queue },
    places: createPlaces({ redis: observer, prefix, queue, ...limits }),
  });
  registerJobMetrics(metrics, { redis: observer, prefix, cluster });
  registerHistoryMetrics(metrics, { redis: observer, prefix });
  registerRaisedMetrics(metrics, { redis: observer, prefix });
  registerRunMetrics(metrics, { redis: observer, prefix, cluster });
  registerApprovalMetrics(metrics, { redis: observer, prefix });
  registerDurability(metrics, observer);
  registerMemory(metrics, observer);
  const watch = watchRedis({
    connections: [redis, observer],
    probe: writeProbe(observer, prefix),
    log,
    onUsable: () => void warnOfDurability(observer, log),
    // BullMQ repeats a refused command at once.
    onRefusal: () => gate.apply(),
  });
  const gate = createGate(cluster, watch.refusing, log);
  const unready = (): string | undefined => gate.closed() ?? watch.problem();
  // Without Redis nothing can be consumed, and a restart would not change that.
  const idle = (): boolean => unready() !== undefined;
  const progress = createProgress(queue, idle);
  const alertmanagers =
    settings.alertmanager &&
    createAlertmanagers(settings.alertmanager, log, countAlertmanager(metrics));
  const tracing = await startTracing(settings.tracing, 'openfero-worker', log);
  const raising = createRaising({ redis, settings });
  const deps = { settings, cluster, registry, memory, places, tracing, alertmanagers };
  const record = createRecorder(log, metrics);
  const onHeld = (held: HeldNow): void => {
    logHeld(log, held);
    announceHeld(cluster, held);
  };
  const consumer = createConsumer({
    redis,
    watch,
    log,
    gate,
    deps,
    onProgress: progress.made,
    onRetry: countRetries(metrics),
    onHeld,
  });
  const history = createHistory(
    { redis, prefix, memory, watch, count: historyCount, age: settings.historyAge },
    log,
  );
  const append = ({ ending, remediation }: EndOfJob, at: number): void =>
    history.append(endEntry(ending, remediation, at), raising.ended(ending, remediation));
  onEnds(consumer, registry, (end) => {
    record(end.ending);
    announce(cluster, end.ending);
    append(end, Date.now());
  });
  gate.steer(consumer);
  const missingEnds = startMissingEnds({
    ...{ redis: observer, prefix, queue, registry, gate, append, watch, log },
  });
  consumer.on('error', (error) => {
    if (isNotOurs(error)) missingEnds.look();
  });
  const stopChecking = startChecking({ cluster, redis, watch, neverStarting, settings, log });
  const stopRetention = startRetention({ redis: observer, queue, prefix, watch }, log);
  const sawStopped = new Set<string>();
  const approvals = { cluster, redis, memory, alertmanagers, raising, settings, watch, log };
  const endJob = createJobEnding(
    {
      ...{ cluster, places, raising, policy: settings.policy, tracing, sawStopped },
      recordDecided: createRecordDecided(approvals),
    },
    log,
    metrics,
  );
  const reconciler = createReconciler(cluster, places, memory, {
    watch,
    log,
    end: endJob,
  });
  const stopCannotStart = watchCannotStart({ cluster, redis: observer, prefix, log });
  const stopJudging = startJudging({
    ...{ cluster, redis, memory, alertmanagers, raising, settings, watch, log, sawStopped },
  });
  const stopApprovals = startApprovals(approvals, endJob);
  const stopPosting =
    alertmanagers !== undefined && settings.raiseAlerts
      ? startPosting({ redis, prefix, alertmanagers, watch, log })
      : undefined;
  // Redis may have lost the places while it was unreachable.
  redis.on('ready', reconciler.reconcile);

  const presence = startPresence(
    {
      cluster,
      redis: observer,
      memory: createEpisodeMemory(observer, prefix),
      settings,
      version: VERSION,
    },
    log,
  );
  const stopWatchingMode = watchMode(
    { cluster, settings, log, onChange: presence.publish },
    metrics,
  );

  const app = buildApp(metrics, {
    healthy: progress.problem,
    ready: unready,
  });
  const url = await app.listen({ host: settings.host, port: settings.port });
  log.info({ url }, 'listening');
  return {
    url,
    steps: [
      ['consumer', () => stopConsuming(consumer, redis)],
      ['gate', () => gate.stop()],
      ['redis watch', () => watch.stop()],
      ['places', () => reconciler.stop()],
      ['Jobs that cannot start', stopCannotStart],
      ['effects', stopJudging],
      ['approvals', stopApprovals],
      ['raised alerts', () => stopPosting?.()],
      ['ends that are missing', missingEnds.stop],
      ['history', () => history.stop()],
      ['mode', stopWatchingMode],
      ['presence', presence.stop],
      ['checks', stopChecking],
      ['retention', stopRetention],
      ['progress', () => progress.stop()],
      ['cluster', () => cluster.close()],
      ['tracing', () => tracing.stop()],
      ['alertmanagers', () => alertmanagers?.close()],
      ['http', () => app.close()],
      ['queue', () => queue.close()],
      ['redis', () => [redis, observer].forEach((one) => void one.disconnect())],
    ],
  };
}
