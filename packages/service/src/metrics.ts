import type { FastifyInstance } from 'fastify';
import { type Counter, collectDefaultMetrics, Registry } from 'prom-client';

/** A registry of its own, never prom-client's global one, with the process' default metrics. */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Adds GET /metrics in Prometheus' text format. */
export function serveMetrics(app: FastifyInstance, registry: Registry): void {
  app.get('/metrics', { logLevel: 'silent' }, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}

/**
 * Lets a counter over a closed list start at 0: without it rate() does not see the first increase.
 *
 * @param label of the list
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
