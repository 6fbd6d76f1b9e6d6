import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import type { Redis } from 'ioredis';
import { unavailablePage } from './page.ts';
import { PAGES } from './routes.ts';

const AWAY = 'Redis is not reachable: look whether it runs and whether REDIS_URL is right';

/** Why Redis cannot be asked right now, or undefined. */
export function unavailable(redis: Redis): string | undefined {
  return redis.status === 'ready' ? undefined : AWAY;
}

/** Answers 503 at once while Redis is away: what is asked for would wait for it. */
export function needRedis(redis: Redis): onRequestAsyncHookHandler {
  return async (request, reply) => {
    const reason = unavailable(redis);
    if (reason !== undefined) return answerUnavailable(request, reply, reason);
  };
}

/** To people a page that comes back by itself, to programs JSON. */
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

/** Says what became of a connection that broke, or hung, while it was asked; undefined for other errors. */
export function lostRedis(error: Error): string | undefined {
  if (error.message.includes('Command timed out')) {
    return 'Redis did not answer in time: look at its load and the network';
  }
  return /max retries per request|Connection is closed|isn't writeable/.test(error.message)
    ? AWAY
    : undefined;
}
