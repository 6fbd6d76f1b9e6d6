import type { FastifyInstance } from 'fastify';
import { type Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { VERSION } from './version.ts';

/**
 * Creates a registry, apart from prom-client's global one, with the version of OpenFero and the default
 * metrics of the process.
 */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const build = new Gauge({
    name: 'openfero_build_info',
    help: '1, with the version of OpenFero that this process runs',
    labelNames: ['version'],
    registers: [registry],
  });
  build.set({ version: VERSION }, 1);
  return registry;
}

/** Adds GET /metrics in the text format of Prometheus. */
export function serveMetrics(app: FastifyInstance, registry: Registry): void {
  app.get('/metrics', { logLevel: 'silent' }, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}

/**
 * Starts a counter at 0 for each value of a label: without it rate() misses the first increase.
 *
 * @param fixed values of the counter's other labels
 */
export function startAtZero<T extends string>(
  counter: Counter<T>,
  label: T,
  values: readonly (string | number)[],
  fixed: Partial<Record<T, string>> = {},
): void {
  for (const value of values) counter.inc({ ...fixed, [label]: value }, 0);
}
