import { SETTING_NAMES } from '@openfero/core/setting-names';
import { listen } from '@openfero/service/http-server';
import { createLogger } from '@openfero/service/log';
import { createMetrics } from '@openfero/service/metrics';
import { connectRedis } from '@openfero/service/redis';
import { registerDurability } from '@openfero/service/redis-durability';
import { registerMemory } from '@openfero/service/redis-memory';
import { warnOfUnknownSettings } from '@openfero/service/settings';
import { logStart } from '@openfero/service/start';
import { runService, stopOn } from '@openfero/service/stop';
import { startTracing } from '@openfero/service/tracing/start';
import { buildApp } from './app.ts';
import { recordNotifications } from './last-notification.ts';
import { registerNeighbours } from './metrics.ts';
import { readSettings } from './settings.ts';
import { createStore } from './store.ts';

await runService(async () => {
  const settings = readSettings(process.env);
  const log = createLogger(settings.logLevel, 'receiver');
  logStart(settings, log);
  const redis = connectRedis(settings.redis, { kind: 'producer', name: 'openfero-receiver' });
  const store = createStore(redis, settings, log);
  const registry = createMetrics();
  registerDurability(registry, redis);
  registerMemory(registry, redis);
  registerNeighbours(registry, redis, settings.prefix);
  const onNotification = recordNotifications(redis, settings.prefix);
  const tracing = await startTracing(settings.tracing, 'openfero-receiver', log);
  const app = await buildApp({ settings, log, store, registry, tracing, onNotification });
  stopOn(log, [
    ['http', () => app.close()],
    ['tracing', () => tracing.stop()],
    ['store', () => store.close()],
    ['redis', () => redis.disconnect()],
  ]);
  warnOfUnknownSettings(process.env, SETTING_NAMES, log);
  await listen(app, settings, log);
});
