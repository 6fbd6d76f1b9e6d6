import { type HealthCheck, serveHealth } from '@openfero/service/health';
import { serveMetrics } from '@openfero/service/metrics';
import { type FastifyInstance, fastify } from 'fastify';
import type { Registry } from 'prom-client';

/** What the worker shows over HTTP: that it lives, that it is ready, and its metrics. */
export function buildApp(
  metrics: Registry,
  checks: { readonly healthy: HealthCheck; readonly ready: HealthCheck },
): FastifyInstance {
  const app = fastify({ logger: false });
  serveHealth(app, checks);
  serveMetrics(app, metrics);
  return app;
}
