import type { Logger } from '@openfero/service/log';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerUnavailable, lostRedis } from './availability.ts';

const isReading = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD';

/** 405 for what Bull Board could do and we do not let it. */
export async function refuse(_request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  return reply.code(405).header('allow', 'GET, HEAD').send({
    error: 'the dashboard does not do this: it shows, and retries or removes what failed',
  });
}

/**
 * Answers what leads nowhere: 405, and 404 for reading. In a hook, since Fastify would first look at
 * the body, and call it a 400 or a 415.
 */
export function refuseUnknown(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return;
    return isReading(request) ? nothingHere(reply) : refuse(request, reply);
  });
  app.setNotFoundHandler((_request, reply) => nothingHere(reply));
}

function nothingHere(reply: FastifyReply): FastifyReply {
  return reply.code(404).send({ error: 'there is nothing here: the dashboard is at /' });
}

/** Answers what is thrown, in the scope of the app and of Bull Board, which brings its own handler. */
export function errorHandler(
  log: Logger,
): (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  return (error, request, reply) => {
    const lost = lostRedis(error);
    if (lost !== undefined) return answerUnavailable(request, reply, lost);
    const { statusCode = 500 } = error;
    if (statusCode < 500) return reply.code(statusCode).send({ error: error.message });
    log.error({ err: error, stack: error.stack, path: request.url }, 'a defect of the dashboard');
    return reply.code(500).send({ error: 'a defect of the dashboard: its log tells more' });
  };
}
