import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { NotANotification } from '@openfero/core/alert';
import { authenticate } from '@openfero/service/authentication';
import { health } from '@openfero/service/health';
import type { Logger } from '@openfero/service/log';
import { serveMetrics } from '@openfero/service/metrics';
import { requireClientCertificate, type TlsSettings, tlsOptions } from '@openfero/service/tls';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { alerts, explainRefusal } from './alerts.ts';
import { documentation } from './documentation.ts';
import { HTTP_LIMITS } from './limits.ts';
import { receiverMetrics } from './metrics.ts';
import type { Settings } from './settings.ts';
import { type Store, Unavailable } from './store.ts';

export interface Deps {
  readonly settings: Pick<Settings, 'auth' | 'tls' | 'bodyLimit'>;
  readonly log: Logger;
  readonly store: Store;
  readonly registry: Registry;
}

/** The receiver without a port: it listens on nothing. */
export async function buildApp({ settings, log, store, registry }: Deps): Promise<FastifyInstance> {
  const app = Fastify({
    serverFactory: (handler) => createHttpServer(handler, settings.tls),
    clientErrorHandler: answerBrokenRequest,
    bodyLimit: settings.bodyLimit,
    // `__proto__` is a legal label: 'remove' would drop it silently, 'error' refuse the whole group.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
  });
  takeJsonOnly(app);
  if (settings.tls?.clientCaFile !== undefined) requireClientCertificate(app);
  authenticate(app, settings.auth);
  answerErrors(app, settings.bodyLimit, log);
  await documentation(app);
  health(app, { healthy: () => undefined, ready: store.unready });
  serveMetrics(app, registry);
  alerts(app, { store, metrics: receiverMetrics(registry), log });
  return app;
}

function createHttpServer(handler: RequestListener, tls: TlsSettings | undefined): Server {
  return tls === undefined
    ? createServer(HTTP_LIMITS, handler)
    : createTlsServer({ ...HTTP_LIMITS, ...tlsOptions(tls) }, handler);
}

/** What a body must look like is decided by the core alone; the schemas here are documentation. */
function takeJsonOnly(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
}

function answerErrors(app: FastifyInstance, bodyLimit: number, log: Logger): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const [code, message] = answerTo(error, bodyLimit);
    explainRefusal(request, error);
    if (code === 500) log.error({ err: error, stack: error.stack }, 'a defect of the receiver');
    return reply.code(code).send({ error: message });
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: 'not here: notifications go to POST /alerts' }),
  );
}

function answerTo(error: FastifyError, bodyLimit: number): readonly [code: number, text: string] {
  if (error instanceof NotANotification) return [400, error.message];
  if (error instanceof Unavailable) return [503, error.message];
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return [
        413,
        `the body is larger than ${bodyLimit} bytes: raise OPENFERO_BODY_LIMIT, or set max_alerts of Alertmanager's webhook`,
      ];
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return [415, 'not JSON: send it with content-type: application/json'];
    case 'ECONNRESET':
      return [408, LATE_BODY];
  }
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return [400, `the body cannot be read: ${error.message}`];
  }
  return [500, 'a defect of the receiver: its log tells more'];
}

const LATE_BODY = `the request did not come whole within ${HTTP_LIMITS.requestTimeout} ms: look at the network and the sender`;

/** Answers what Node gave up before it became a request: no route ever sees it. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', LATE_BODY]
      : ['400 Bad Request', 'this is no HTTP request that can be read'];
  const body = JSON.stringify({ error: message });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
