import { QUEUE } from '@openfero/core/redis/remediation';
import { authenticate } from '@openfero/service/authentication';
import { serveHealth } from '@openfero/service/health';
import { createHttpServer } from '@openfero/service/http-server';
import type { Logger } from '@openfero/service/log';
import { type createMetrics, serveMetrics } from '@openfero/service/metrics';
import { openQueue } from '@openfero/service/queue';
import type { RedisConnection } from '@openfero/service/redis';
import { readProbe, watchRedis } from '@openfero/service/redis-watch';
import { requireClientCertificate } from '@openfero/service/tls';
import Fastify, { type FastifyInstance } from 'fastify';
import { createActs } from './acts.ts';
import { serveBelow, withoutBase } from './base-path.ts';
import { createBoard } from './board.ts';
import { createChangeHandler, createChanges } from './changes.ts';
import { guardRoutes } from './guard.ts';
import type { History } from './history/history.ts';
import { HTTP_LIMITS } from './limits.ts';
import { allowBoard, protectPages } from './page.ts';
import { servePages } from './pages/serve.ts';
import { createPersonOf } from './person.ts';
import { createErrorHandler, refuseUnknown } from './refusals.ts';
import { BOARD } from './routes.ts';
import type { Settings } from './settings.ts';

export interface Deps {
  readonly settings: Pick<
    Settings,
    'auth' | 'tls' | 'prefix' | 'readOnly' | 'approval' | 'jobUrl' | 'basePath' | 'userHeader'
  >;
  readonly log: Logger;
  /** Of the kind producer, with a time limit per command. Stays open when the app closes. */
  readonly redis: RedisConnection;
  readonly history: History;
  readonly registry: ReturnType<typeof createMetrics>;
}

/** Builds the dashboard's app. It does not listen yet. */
export async function buildApp(deps: Deps): Promise<FastifyInstance> {
  const { settings, log, redis, history, registry } = deps;
  const { auth, tls, prefix, readOnly, approval, jobUrl, basePath, userHeader } = settings;
  const app = Fastify({
    serverFactory: (handler) => createHttpServer(handler, HTTP_LIMITS, tls),
    rewriteUrl: ({ url = '/' }) => withoutBase(url, basePath),
    // Every spelling of a path gets the same answer.
    routerOptions: {
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      caseSensitive: false,
      // Encoded, a name of 253 characters.
      maxParamLength: 1024,
    },
  });
  ignoreBodies(app);
  serveBelow(app, basePath);
  protectPages(app);
  requireClientCertificate(app, tls);
  authenticate(app, auth);
  refuseUnknown(app);
  app.setErrorHandler(createErrorHandler(log));
  const watch = watchRedis({ connections: [redis], probe: readProbe(redis, prefix), log });
  app.addHook('onClose', () => watch.stop());
  const ready = (): string | undefined => watch.problem() ?? history.problem();
  serveHealth(app, { healthy: () => undefined, ready });
  serveMetrics(app, registry);

  // Starting a dashboard must not write to Redis.
  const queue = openQueue(redis, QUEUE, { prefix, skipMetasUpdate: true }, log);
  app.addHook('onClose', () => queue.close());
  const recordAct = createActs(redis, prefix);
  const makeChange = createChanges({
    ...{ queue, redis, log, recordAct, history, prefix },
    metrics: registry,
    personOf: createPersonOf(auth, userHeader),
  });
  const open = auth.kind === 'none';
  servePages(app, {
    ...{ history, redis, queue, prefix, readOnly, approval, open, jobUrl, basePath, makeChange },
  });
  await app.register(
    (scope, _options, done) => {
      allowBoard(scope);
      const handleChange = createChangeHandler(makeChange);
      guardRoutes(scope, { redis, log, readOnly, open, handleChange });
      scope.register(createBoard(queue, { readOnly, basePath }));
      done();
    },
    { prefix: BOARD },
  );
  return app;
}

/** No route needs a body: none is read, so none can be wrong. */
function ignoreBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null);
  });
}
