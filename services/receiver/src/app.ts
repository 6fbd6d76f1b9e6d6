import type { Socket } from 'node:net';
import { NotANotification } from '@openfero/core/alert';
import { authenticate } from '@openfero/service/authentication';
import { serveHealth } from '@openfero/service/health';
import { createHttpServer } from '@openfero/service/http-server';
import type { Logger } from '@openfero/service/log';
import { serveMetrics } from '@openfero/service/metrics';
import { requireClientCertificate } from '@openfero/service/tls';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { noteRefusal, registerAlerts } from './alerts.ts';
import { serveDocumentation } from './documentation.ts';
import { HTTP_LIMITS } from './limits.ts';
import { createReceiverMetrics } from './metrics.ts';
import type { Settings } from './settings.ts';
import type { Store } from './store.ts';
import { Unavailable } from './unavailable.ts';

export interface Deps {
  readonly settings: Pick<Settings, 'auth' | 'tls' | 'bodyLimit'>;
  readonly log: Logger;
  readonly store: Store;
  readonly registry: Registry;
}

/** Builds the receiver's app. It does not listen yet. */
export async function buildApp({ settings, log, store, registry }: Deps): Promise<FastifyInstance> {
  const app = Fastify({
    serverFactory: (handler) => createHttpServer(handler, HTTP_LIMITS, settings.tls),
    clientErrorHandler: answerBrokenRequest,
    bodyLimit: settings.bodyLimit,
    // `__proto__` is a valid label: 'remove' would drop it silently, 'error' refuse the whole group.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
  });
  acceptJsonOnly(app);
  requireClientCertificate(app, settings.tls);
  authenticate(app, settings.auth);
  answerErrors(app, settings.bodyLimit, log);
  await serveDocumentation(app);
  serveHealth(app, { healthy: () => undefined, ready: store.problem });
  serveMetrics(app, registry);
  registerAlerts(app, { store, metrics: createReceiverMetrics(registry), log });
  return app;
}

/** Only the core validates bodies: the schemas of the routes are documentation. */
function acceptJsonOnly(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
}

function answerErrors(app: FastifyInstance, bodyLimit: number, log: Logger): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const [code, message] = answerTo(error, bodyLimit);
    noteRefusal(request, error);
    if (code === 500) log.error({ err: error, stack: error.stack }, 'internal error');
    return reply.code(code).send({ error: message });
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: 'not found: send notifications to POST /alerts' }),
  );
}

function answerTo(error: FastifyError, bodyLimit: number): readonly [code: number, text: string] {
  if (error instanceof NotANotification) return [400, error.message];
  if (error instanceof Unavailable) return [503, error.message];
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return [
        413,
        `the body is larger than ${bodyLimit} bytes: raise OPENFERO_BODY_LIMIT, or set max_alerts in the webhook_config of Alertmanager`,
      ];
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return [415, 'not JSON: set the header Content-Type: application/json'];
    case 'ECONNRESET':
      return [408, LATE_BODY];
  }
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return [400, `cannot read the body: ${error.message}`];
  }
  return [500, "internal error; see the receiver's log"];
}

const LATE_BODY = `the request did not arrive completely within ${HTTP_LIMITS.requestTimeout} ms: check the network and the sender`;

/** Answers what Node rejects before it is a request: no route sees it. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', LATE_BODY]
      : ['400 Bad Request', 'malformed HTTP request'];
  const body = JSON.stringify({ error: message });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
