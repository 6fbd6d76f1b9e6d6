import { connectCluster } from '@openfero/cluster/connect';
import { QUEUE } from '@openfero/core/redis/remediation';
import type { Logger } from '@openfero/service/log';
import { createMetrics } from '@openfero/service/metrics';
import { connectRedis } from '@openfero/service/redis';
import type { Closing } from '@openfero/service/stop';
import { Queue } from 'bullmq';
import { buildApp } from './app.ts';
import { checkOperarii } from './check/check.ts';
import { announce } from './ends/announce.ts';
import { tellOfEnds } from './ends/ends.ts';
import { recorder } from './ends/record.ts';
import { consumer, stopConsuming } from './queue/consume.ts';
import { gate } from './queue/gate.ts';
import { queueMetrics } from './queue/metrics.ts';
import { progress } from './queue/progress.ts';
import { memories } from './redis/memory.ts';
import { places } from './redis/places.ts';
import { keepPlaces } from './redis/reconcile.ts';
import { registry } from './remediation/registry.ts';
import { countRequests } from './request-count.ts';
import type { WorkerSettings } from './settings.ts';

export interface RunningWorker {
  readonly url: string;
  /** What stops it, in order. */
  readonly steps: readonly Closing[];
}

/**
 * Puts a worker together and starts it: it is ready once Redis and the cluster are.
 *
 * @throws {InvalidSetting}
 */
export async function startWorker(settings: WorkerSettings, log: Logger): Promise<RunningWorker> {
  const { prefix, maxActiveJobs } = settings;
  const metrics = createMetrics();
  const { concurrency } = settings;
  const requests = countRequests(metrics);
  const onRequest = (verb: string, code: string): void => requests.inc({ verb, code });
  const cluster = await connectCluster(settings, { concurrency, onRequest }, log);
  const redis = connectRedis(settings.redis, { kind: 'consumer', name: 'openfero-worker' }, log);
  // Of its own: what is only looked at must not wait for Redis as consuming does.
  const observer = connectRedis(
    settings.redis,
    { kind: 'producer', name: 'openfero-worker-observer', commandTimeoutMs: 1000 },
    log.child({}, { level: 'silent' }),
  );
  const queue = new Queue(QUEUE, { connection: observer, prefix, skipVersionCheck: true });
  queue.on('error', (error) => log.debug({ err: error }, 'queue'));

  const deps = {
    settings,
    cluster,
    registry: registry(cluster, settings.policy),
    memories: memories(redis, prefix),
    places: places({ redis, prefix, maxActiveJobs, queue }),
  };
  queueMetrics(metrics, {
    ...{ redis: observer, prefix, queue, cluster },
    memories: memories(observer, prefix),
    places: places({ redis: observer, prefix, maxActiveJobs, queue }),
  });
  const control = gate(cluster, log);
  // Without Redis nothing can be consumed, and no restart brings it back.
  const idle = (): boolean => control.closed() !== undefined || observer.status !== 'ready';
  const life = progress(queue, idle);
  const worker = consumer({ redis, log, gate: control, deps, onProgress: life.made });
  const record = recorder(log, metrics);
  tellOfEnds(worker, deps.registry, (ending) => {
    record(ending);
    announce(cluster, ending);
  });
  control.steer(worker);
  const stopChecking = checkOperarii({ cluster, redis, settings, log });
  const kept = keepPlaces(cluster, deps.places, deps.memories, log);
  // It may have lost them while it was away.
  redis.on('ready', kept.reconcile);

  const app = buildApp(metrics, {
    healthy: life.problem,
    ready: () => control.closed() ?? (redis.status === 'ready' ? undefined : 'Redis is not ready'),
  });
  const url = await app.listen({ host: settings.host, port: settings.port });
  log.info({ url }, 'listening');
  return {
    url,
    steps: [
      ['consumer', () => stopConsuming(worker, redis)],
      ['gate', () => control.stop()],
      ['places', () => kept.stop()],
      ['checks', stopChecking],
      ['progress', () => life.stop()],
      ['cluster', () => cluster.close()],
      ['http', () => app.close()],
      ['queue', () => queue.close()],
      ['redis', () => [redis, observer].forEach((one) => void one.disconnect())],
    ],
  };
}
