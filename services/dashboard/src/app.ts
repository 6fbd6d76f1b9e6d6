import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AuthSettings, authenticate } from '@openfero/service/authentication';
import { health } from '@openfero/service/health';
import type { Logger } from '@openfero/service/log';
import { type createMetrics, serveMetrics } from '@openfero/service/metrics';
import { requireClientCertificate, type TlsSettings, tlsOptions } from '@openfero/service/tls';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Redis } from 'ioredis';
import { unavailable } from './availability.ts';
import { bullBoard } from './board.ts';
import { changes } from './changes.ts';
import { guard } from './guard.ts';
import { HTTP_LIMITS } from './limits.ts';
import { protectPages } from './page.ts';
import { openQueue } from './queue.ts';
import { errorHandler, refuseUnknown } from './refusals.ts';
import type { Settings } from './settings.ts';

export interface Deps {
  readonly settings: Pick<Settings, 'auth' | 'tls' | 'prefix' | 'readOnly'>;
  readonly log: Logger;
  /** Of the producer kind, with a time limit per command. Stays open when the app closes. */
  readonly redis: Redis;
  readonly registry: ReturnType<typeof createMetrics>;
}

/** The dashboard without a port: it listens on nothing. */
export async function buildApp({ settings, log, redis, registry }: Deps): Promise<FastifyInstance> {
  const { auth, tls, prefix, readOnly } = settings;
  const app = Fastify({
    serverFactory: (handler) => createHttpServer(handler, tls),
    // One answer for every spelling of a path.
    routerOptions: {
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      caseSensitive: false,
    },
  });
  ignoreBodies(app);
  protectPages(app);
  if (tls?.clientCaFile !== undefined) requireClientCertificate(app);
  authenticate(app, auth);
  refuseUnknown(app);
  app.setErrorHandler(errorHandler(log));
  health(app, { healthy: () => undefined, ready: () => unavailable(redis) });
  serveMetrics(app, registry);

  const queue = openQueue(redis, prefix);
  app.addHook('onClose', () => queue.close());
  const change = changes({ queue, redis, log, user: userOf(auth) });
  await app.register((scope, _options, done) => {
    guard(scope, { redis, log, readOnly, open: auth.kind === 'none', change });
    scope.register(bullBoard(queue, readOnly));
    done();
  });
  return app;
}

function createHttpServer(handler: RequestListener, tls: TlsSettings | undefined): Server {
  return tls === undefined
    ? createServer(HTTP_LIMITS, handler)
    : createTlsServer({ ...HTTP_LIMITS, ...tlsOptions(tls) }, handler);
}

/** Nothing that can be asked here has a body: none is read, and none can be wrong. */
function ignoreBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null);
  });
}

function userOf(auth: AuthSettings): string {
  switch (auth.kind) {
    case 'none':
      return 'anonymous';
    case 'basic':
      return auth.user;
    case 'bearer':
      return 'bearer';
  }
}
