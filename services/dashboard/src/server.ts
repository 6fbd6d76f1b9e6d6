import { SETTING_NAMES } from '@openfero/core/setting-names';
import { listen } from '@openfero/service/http-server';
import { createLogger } from '@openfero/service/log';
import { createMetrics } from '@openfero/service/metrics';
import { connectRedis } from '@openfero/service/redis';
import { warnOfUnknownSettings } from '@openfero/service/settings';
import { logStart } from '@openfero/service/start';
import { runService, stopOn } from '@openfero/service/stop';
import { buildApp } from './app.ts';
import { followHistory } from './history/history.ts';
import { COMMAND_TIMEOUT_MS } from './limits.ts';
import { buildMetricsApp } from './metrics-app.ts';
import { readSettings } from './settings.ts';

await runService(async () => {
  const settings = readSettings(process.env);
  const log = createLogger(settings.logLevel, 'dashboard');
  logStart(settings, log);
  const redis = connectRedis(settings.redis, {
    kind: 'producer',
    name: 'openfero-dashboard',
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
  });
  const reading = connectRedis(settings.redis, {
    kind: 'consumer',
    name: 'openfero-dashboard-history',
  });
  const history = followHistory({ redis: reading, prefix: settings.prefix, log });
  const registry = createMetrics();
  const app = await buildApp({ settings, log, redis, history, registry });
  const metricsApp = buildMetricsApp(registry);
  stopOn(log, [
    ['http', () => Promise.all([app.close(), metricsApp.close()])],
    ['history', () => history.stop()],
    ['redis', () => redis.disconnect()],
  ]);
  warnOfUnknownSettings(process.env, SETTING_NAMES, log);
  await listen(app, settings, log, { readOnly: settings.readOnly });
  const { host, metricsPort } = settings;
  if (metricsPort !== undefined) {
    await listen(metricsApp, { host, port: metricsPort, tls: undefined }, log, {
      only: '/metrics',
    });
  }
});
