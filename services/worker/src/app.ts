import { type Check, health } from '@openfero/service/health';
import { serveMetrics } from '@openfero/service/metrics';
import { type FastifyInstance, fastify } from 'fastify';
import type { Registry } from 'prom-client';

/** What the worker shows over HTTP: that it lives, that it is ready, and its metrics. */
export function buildApp(
  metrics: Registry,
  checks: { readonly healthy: Check; readonly ready: Check },
): FastifyInstance {
  const app = fastify({ logger: false });
  health(app, checks);
  serveMetrics(app, metrics);
  return app;
}
