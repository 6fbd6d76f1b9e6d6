import type { FastifyInstance, FastifyReply } from 'fastify';

/** Returns undefined if all is well, else the reason in words. */
export type HealthCheck = () => string | undefined;

/** The probes and their names in OpenFero for Go, which manifests for it still use. */
const HEALTHY = ['/healthz', '/startupz'];
const READY = ['/readyz', '/readiness'];

/** Open without credentials and without a client certificate: probes have neither. */
export const OPEN_ROUTES: ReadonlySet<string> = new Set([...HEALTHY, ...READY, '/metrics']);

/**
 * Adds GET /healthz (fails only if a restart helps) and GET /readyz (fails while the service cannot
 * do its work).
 */
export function serveHealth(
  app: FastifyInstance,
  checks: { readonly healthy: HealthCheck; readonly ready: HealthCheck },
): void {
  for (const path of HEALTHY) {
    app.get(path, { logLevel: 'silent' }, (_request, reply) =>
      answer(reply, 'unhealthy', checks.healthy()),
    );
  }
  for (const path of READY) {
    app.get(path, { logLevel: 'silent' }, (_request, reply) =>
      answer(reply, 'not ready', checks.ready()),
    );
  }
}

function answer(reply: FastifyReply, status: string, reason: string | undefined): FastifyReply {
  if (reason === undefined) return reply.send({ status: 'ok' });
  return reply.code(503).send({ status, reason });
}
