import { QUEUE } from '@openfero/core/redis/remediation';
import { createLogger } from '@openfero/service/log';
import { createMetrics } from '@openfero/service/metrics';
import { connectRedis } from '@openfero/service/redis';
import { runService, stopOn } from '@openfero/service/stop';
import { Queue } from 'bullmq';
import { buildApp } from './app.ts';
import { checkOperarii } from './check.ts';
import { connectCluster } from './connect.ts';
import { consumer, stopConsuming } from './consume.ts';
import { tellOfEnds } from './ends.ts';
import { gate } from './gate.ts';
import { memories } from './memory.ts';
import { places } from './places.ts';
import { progress } from './progress.ts';
import { queueMetrics } from './queue-metrics.ts';
import { keepPlaces } from './reconcile.ts';
import { recorder } from './record.ts';
import { registry } from './registry.ts';
import { readSettings } from './settings.ts';

await runService(async () => {
  const settings = readSettings(process.env);
  const { prefix } = settings;
  const log = createLogger(settings.logLevel, 'worker');
  for (const variable of settings.unknown) log.warn({ variable }, 'not known: a typo?');
  const metrics = createMetrics();

  const cluster = await connectCluster(settings, log);
  const redis = connectRedis(settings.redis, { kind: 'consumer', name: 'openfero-worker' }, log);
  // Of its own: what is only looked at must not wait for Redis as consuming does.
  const observer = connectRedis(
    settings.redis,
    { kind: 'producer', name: 'openfero-worker-observer', commandTimeoutMs: 1000 },
    log.child({}, { level: 'silent' }),
  );
  const queue = new Queue(QUEUE, { connection: observer, prefix, skipVersionCheck: true });
  queue.on('error', (error) => log.debug({ err: error }, 'queue'));

  const promote = async (id: string): Promise<void> => {
    const held = await queue.getJob(id);
    await held?.promote();
  };
  const { maxActiveJobs } = settings;
  const deps = {
    settings,
    cluster,
    registry: registry(cluster, settings.policy),
    memories: memories(redis, prefix),
    places: places({ redis, prefix, maxActiveJobs, promote }),
  };
  const seen = { redis: observer, prefix, queue, cluster };
  queueMetrics(metrics, {
    ...seen,
    memories: memories(observer, prefix),
    places: places({ redis: observer, prefix, maxActiveJobs, promote }),
  });
  const control = gate(cluster, log);
  const life = progress(queue, () => control.closed() !== undefined);
  const worker = consumer({ redis, log, gate: control, deps, onProgress: life.made });
  tellOfEnds(worker, deps.registry, recorder(log, metrics));
  control.steer(worker);
  const stopChecking = checkOperarii({ cluster, redis, settings, log });
  const kept = keepPlaces(cluster, deps.places, deps.memories, log);

  const app = buildApp(metrics, {
    healthy: life.problem,
    ready: () => control.closed() ?? (redis.status === 'ready' ? undefined : 'Redis is not ready'),
  });
  const url = await app.listen({ host: settings.host, port: settings.port });
  log.info({ url }, 'listening');

  stopOn(log, [
    ['consumer', () => stopConsuming(worker)],
    ['gate', () => control.stop()],
    ['places', () => kept.stop()],
    ['checks', stopChecking],
    ['progress', () => life.stop()],
    ['cluster', () => cluster.close()],
    ['http', () => app.close()],
    ['queue', () => queue.close()],
    ['redis', () => [redis, observer].forEach((one) => void one.disconnect())],
  ]);
});
