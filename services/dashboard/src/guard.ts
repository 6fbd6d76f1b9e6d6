import type { Logger } from '@openfero/service/log';
import type { RedisConnection } from '@openfero/service/redis';
import type { FastifyInstance, onRequestAsyncHookHandler, RouteOptions } from 'fastify';
import { createRedisHook } from './availability.ts';
import type { ChangeHandler } from './changes.ts';
import { JOBS_PER_PAGE } from './limits.ts';
import { crossOriginProblem, isRebound } from './origin.ts';
import { adaptPage } from './page.ts';
import { createErrorHandler, refuse } from './refusals.ts';
import { accessTo } from './routes.ts';

export interface GuardOptions {
  readonly redis: RedisConnection;
  readonly log: Logger;
  readonly readOnly: boolean;
  /** There is no authentication. */
  readonly open: boolean;
  readonly handleChange: ChangeHandler;
}

/**
 * Guards every route that is registered in this scope later. A route that is not listed in routes.ts
 * is replaced when it is registered, so no spelling of its path can reach it.
 */
export function guardRoutes(scope: FastifyInstance, options: GuardOptions): void {
  const onError = createErrorHandler(options.log);
  scope.addHook('onRoute', (route) => {
    guardRoute(route, route.routePath || '/', options);
    // Bull Board's own handler shows internal messages, and never answers 503.
    route.errorHandler = onError;
  });
  // Also for routes that are not registered, such as those of Bull Board's optional parts.
  scope.all('/api/*', refuse);
  scope.addHook('onSend', async (_request, reply, payload) => {
    const isPage = String(reply.getHeader('content-type')).startsWith('text/html');
    return isPage && typeof payload === 'string' ? adaptPage(payload) : payload;
  });
}

/** @param pattern without the prefix of the scope */
function guardRoute(
  route: RouteOptions,
  pattern: string,
  { redis, readOnly, open, handleChange }: GuardOptions,
): void {
  const access = accessTo(route.method, pattern, readOnly);
  if (access === 'refused') {
    route.onRequest = refuse;
    route.handler = refuse;
  } else if (access === 'no flow') {
    route.handler = async () => NO_FLOW;
  } else if (access === 'read') {
    if (!pattern.startsWith('/static/')) {
      route.onRequest = [limitPageLength, createRedisHook(redis)];
    }
  } else {
    route.onRequest = changeHooks(redis, open);
    route.handler = (request, reply) => handleChange(access, request, reply);
  }
}

/** No remediation is part of a flow, so there is nothing to search for. */
const NO_FLOW = { flowRoot: null, isFlowNode: false };

/** What every route that changes something checks first. @param open there is no authentication */
export const changeHooks = (redis: RedisConnection, open: boolean): onRequestAsyncHookHandler[] => [
  ...(open ? [refuseRebound] : []),
  refuseCrossOrigin,
  createRedisHook(redis),
];

const refuseCrossOrigin: onRequestAsyncHookHandler = async (request, reply) => {
  const problem = crossOriginProblem(request);
  if (problem === undefined) return;
  return reply.code(403).send({ error: `cross-origin request refused: ${problem}` });
};

const refuseRebound: onRequestAsyncHookHandler = async (request, reply) => {
  if (!isRebound(request)) return;
  const error =
    'without authentication, changes are allowed only at http://localhost: open the dashboard there, or set OPENFERO_AUTH';
  return reply.code(403).send({ error });
};

const limitPageLength: onRequestAsyncHookHandler = async ({ query }, reply) => {
  const { jobsPerPage } = { jobsPerPage: 0, ...(typeof query === 'object' ? query : {}) };
  if (!(Number(jobsPerPage) > JOBS_PER_PAGE)) return;
  return reply.code(400).send({ error: `jobsPerPage must be at most ${JOBS_PER_PAGE}` });
};
