import type { Logger } from '@openfero/service/log';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerUnavailable, redisProblem } from './availability.ts';

const isReading = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD';

/** Answers 405: Bull Board could do this, but it is not allowed. */
export async function refuse(_request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  return reply.code(405).header('allow', 'GET, HEAD').send({
    error:
      'not allowed: the dashboard shows remediations and, unless it is read-only (OPENFERO_DASHBOARD_READ_ONLY), retries or removes failed ones',
  });
}

/**
 * Answers requests to unknown routes: 404 to GET and HEAD, else 405. A hook, since Fastify would check
 * the body first and answer 400 or 415.
 */
export function refuseUnknown(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return;
    return isReading(request) ? answerNotFound(reply) : refuse(request, reply);
  });
  app.setNotFoundHandler((_request, reply) => answerNotFound(reply));
}

function answerNotFound(reply: FastifyReply): FastifyReply {
  return reply.code(404).send({ error: 'not found: the dashboard is at /' });
}

/** Creates the error handler for the app and for Bull Board, which has one of its own. */
export function createErrorHandler(
  log: Logger,
): (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  return (error, request, reply) => {
    const problem = redisProblem(error);
    if (problem !== undefined) return answerUnavailable(request, reply, problem);
    const { statusCode = 500 } = error;
    if (statusCode < 500) return reply.code(statusCode).send({ error: error.message });
    log.error({ err: error, stack: error.stack, path: request.url }, 'internal error');
    return reply.code(500).send({ error: "internal error; see the dashboard's log" });
  };
}
