import { REDIS_NOT_REACHABLE, redisProblem } from '@openfero/service/redis';
import { redisFailureOf } from '@openfero/service/redis-errors';
import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import type { Redis } from 'ioredis';
import { unavailablePage } from './page.ts';
import { PAGES } from './routes.ts';

/** Creates a hook that answers 503 at once while Redis is down: the handler would wait for it. */
export function createRedisHook(redis: Redis): onRequestAsyncHookHandler {
  return async (request, reply) => {
    const reason = redisProblem(redis);
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

/** Returns what to do about a connection that broke or hung during a request, undefined for other errors. */
export function connectionProblem(error: Error): string | undefined {
  switch (redisFailureOf(error)) {
    case 'timed-out':
      return 'Redis did not answer in time: check its load and the network';
    case 'disconnected':
      return REDIS_NOT_REACHABLE;
    default:
      return undefined;
  }
}
