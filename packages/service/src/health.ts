import type { FastifyInstance, FastifyReply } from 'fastify';

/** Returns undefined if all is well, else the reason in words. */
export type HealthCheck = () => string | undefined;

/** Open without credentials and without a client certificate: probes have neither. */
export const OPEN_ROUTES: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * Adds GET /healthz (fails only if a restart helps) and GET /readyz (fails while the service cannot
 * do its work).
 */
export function serveHealth(
  app: FastifyInstance,
  checks: { readonly healthy: HealthCheck; readonly ready: HealthCheck },
): void {
  app.get('/healthz', { logLevel: 'silent' }, (_request, reply) =>
    answer(reply, 'unhealthy', checks.healthy()),
  );
  app.get('/readyz', { logLevel: 'silent' }, (_request, reply) =>
    answer(reply, 'not ready', checks.ready()),
  );
}

function answer(reply: FastifyReply, status: string, reason: string | undefined): FastifyReply {
  if (reason === undefined) return reply.send({ status: 'ok' });
  return reply.code(503).send({ status, reason });
}
