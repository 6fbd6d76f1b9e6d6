import { createHttpServer } from '@openfero/service/http-server';
import { serveMetrics } from '@openfero/service/metrics';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { HTTP_LIMITS } from './limits.ts';

/**
 * The metrics on a port of their own: a NetworkPolicy cannot tell paths apart, and Prometheus needs no
 * access to the pages. Without TLS, as those of the worker. It does not listen yet.
 */
export function buildMetricsApp(registry: Registry): FastifyInstance {
  const app = Fastify({
    serverFactory: (handler) => createHttpServer(handler, HTTP_LIMITS, undefined),
  });
  serveMetrics(app, registry);
  return app;
}
