import { type HealthCheck, serveHealth } from '@openfero/service/health';
import { serveMetrics } from '@openfero/service/metrics';
import { type FastifyInstance, fastify } from 'fastify';
import type { Registry } from 'prom-client';

/** The worker's HTTP routes: liveness, readiness and metrics. It listens on nothing. */
export function buildApp(
  metrics: Registry,
  checks: { readonly healthy: HealthCheck; readonly ready: HealthCheck },
): FastifyInstance {
  const app = fastify({ logger: false });
  serveHealth(app, checks);
  serveMetrics(app, metrics);
  return app;
}
