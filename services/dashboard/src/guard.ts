import type { Logger } from '@openfero/service/log';
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
  RouteOptions,
} from 'fastify';
import type { Redis } from 'ioredis';
import { needRedis } from './availability.ts';
import { JOBS_PER_PAGE } from './limits.ts';
import { foreignOrigin, rebound } from './origin.ts';
import { adaptPage } from './page.ts';
import { errorHandler, refuse } from './refusals.ts';
import { accessTo, type Change } from './routes.ts';

export interface GuardOptions {
  readonly redis: Redis;
  readonly log: Logger;
  readonly readOnly: boolean;
  /** Nobody has to log in. */
  readonly open: boolean;
  readonly change: (
    change: Change,
    request: FastifyRequest,
    reply: FastifyReply,
  ) => Promise<FastifyReply>;
}

/**
 * Stands before every route that is registered in this scope afterwards. What is not listed in
 * routes.ts is replaced where it is registered, so that no spelling of a path leads to it.
 */
export function guard(scope: FastifyInstance, options: GuardOptions): void {
  const onError = errorHandler(options.log);
  scope.addHook('onRoute', (route) => {
    guardRoute(route, options);
    // Bull Board's own shows the messages of clients and never says 503.
    route.errorHandler = onError;
  });
  // Of what is not even registered too, such as the routes of Bull Board's optional parts.
  scope.all('/api/*', refuse);
  scope.addHook('onSend', async (_request, reply, payload) => {
    const isPage = String(reply.getHeader('content-type')).startsWith('text/html');
    return isPage && typeof payload === 'string' ? adaptPage(payload) : payload;
  });
}

function guardRoute(route: RouteOptions, { redis, readOnly, open, change }: GuardOptions): void {
  const access = accessTo(route.method, route.url, readOnly);
  if (access === 'refused') {
    route.onRequest = refuse;
    route.handler = refuse;
  } else if (access === 'no flow') {
    route.handler = async () => NO_FLOW;
  } else if (access === 'read') {
    if (!route.url.startsWith('/static/')) route.onRequest = [limitLength, needRedis(redis)];
  } else {
    route.onRequest = [open ? refuseRebound : refuseForeign, refuseForeign, needRedis(redis)];
    route.handler = (request, reply) => change(access, request, reply);
  }
}

/** No remediation is part of one: Bull Board's own search for it is not needed. */
const NO_FLOW = { flowRoot: null, isFlowNode: false };

const refuseForeign: onRequestAsyncHookHandler = async (request, reply) => {
  const reason = foreignOrigin(request);
  if (reason !== undefined) return reply.code(403).send({ error: `refused: ${reason}` });
};

const refuseRebound: onRequestAsyncHookHandler = async (request, reply) => {
  if (!rebound(request)) return;
  const error = 'refused: where nobody logs in, changes are for http://localhost only';
  return reply.code(403).send({ error });
};

const limitLength: onRequestAsyncHookHandler = async ({ query }, reply) => {
  const { jobsPerPage } = { jobsPerPage: 0, ...(typeof query === 'object' ? query : {}) };
  if (!(Number(jobsPerPage) > JOBS_PER_PAGE)) return;
  return reply.code(400).send({ error: `jobsPerPage: at most ${JOBS_PER_PAGE}` });
};
