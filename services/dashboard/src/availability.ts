import type { RedisConnection } from '@openfero/service/redis';
import { connectionFailure } from '@openfero/service/redis';
import { redisFailureOf } from '@openfero/service/redis-errors';
import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { unavailablePage } from './page.ts';
import { PAGES } from './routes.ts';

/** Creates a hook that answers 503 at once while Redis is down: the handler would wait for it. */
export function createRedisHook(redis: RedisConnection): onRequestAsyncHookHandler {
  return async (request, reply) => {
    const reason = connectionFailure(redis)?.problem;
    if (reason !== undefined) return answerUnavailable(request, reply, reason);
  };
}

/** Answers 503: to a browser with a page that reloads itself, to other clients with JSON. */
export function answerUnavailable(
  request: FastifyRequest,
  reply: FastifyReply,
  reason: string,
): FastifyReply {
  reply.code(503);
  return PAGES.has(request.routeOptions.url ?? '')
    ? reply.type('text/html; charset=utf-8').send(unavailablePage(reason))
    : reply.send({ error: reason });
}

/** Returns what to do about a Redis that refused a command or did not answer, undefined for other errors. */
export function redisProblem(error: Error): string | undefined {
  const failure = redisFailureOf(error);
  // Of a reply that we do not know, the log should say where it came from.
  return failure?.kind === 'error' ? undefined : failure?.problem;
}
