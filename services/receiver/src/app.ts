import { NotANotification } from '@openfero/core/notification';
import { authenticate } from '@openfero/service/authentication';
import { serveHealth } from '@openfero/service/health';
import { createHttpServer } from '@openfero/service/http-server';
import type { Logger } from '@openfero/service/log';
import { serveMetrics } from '@openfero/service/metrics';
import { requireClientCertificate } from '@openfero/service/tls';
import type { Tracing } from '@openfero/service/tracing';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { registerAlerts } from './alerts.ts';
import { RefusedBody } from './body.ts';
import { serveDocumentation } from './documentation.ts';
import type { OnNotification } from './last-notification.ts';
import { HTTP_LIMITS } from './limits.ts';
import { createReceiverMetrics } from './metrics.ts';
import { note, noteRefusal, reportNotifications } from './report.ts';
import type { Settings } from './settings.ts';
import type { Store } from './store.ts';
import { Unavailable } from './unavailable.ts';
import { answerAfterBody, answerBrokenRequest } from './unfinished.ts';
import { wrongAddress } from './wrong-address.ts';

export interface Deps {
  readonly settings: Pick<Settings, 'auth' | 'tls' | 'bodyLimit'>;
  readonly log: Logger;
  readonly store: Store;
  readonly registry: Registry;
  readonly tracing: Tracing;
  readonly onNotification: OnNotification;
}

/** Builds the receiver's app. It does not listen yet. */
export async function buildApp(deps: Deps): Promise<FastifyInstance> {
  const { settings, log, store, registry, tracing, onNotification } = deps;
  const app = Fastify({
    serverFactory: (handler) => createHttpServer(handler, HTTP_LIMITS, settings.tls),
    clientErrorHandler: answerBrokenRequest,
    routerOptions: { ignoreTrailingSlash: true },
  });
  const metrics = createReceiverMetrics(registry);
  acceptJsonOnly(app);
  answerAfterBody(app);
  reportNotifications(app, { metrics, log, onNotification });
  requireClientCertificate(app, settings.tls);
  authenticate(app, settings.auth);
  answerErrors(app, log);
  await serveDocumentation(app);
  serveHealth(app, { healthy: () => undefined, ready: store.problem });
  serveMetrics(app, registry);
  registerAlerts(app, { store, metrics, log, tracing, bodyLimit: settings.bodyLimit });
  return app;
}

/** The routes' schemas are documentation: judge.ts reads what is sent. */
function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
}

function answerErrors(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const [code, message] = answerTo(error);
    noteRefusal(request, error);
    if (code === 500) log.error({ err: error, stack: error.stack }, 'internal error');
    return reply.code(code).send({ error: message });
  });
  app.setNotFoundHandler((request, reply) => {
    const { code, error } = wrongAddress(request.method, request.url.split('?', 1)[0] ?? '');
    note(request, { error });
    if (code === 405) reply.header('allow', 'GET, HEAD, POST');
    return reply.code(code).send({ error });
  });
}

function answerTo(error: FastifyError): readonly [code: number, text: string] {
  if (error instanceof NotANotification) return [400, error.message];
  if (error instanceof RefusedBody) return [error.status, error.message];
  if (error instanceof Unavailable) return [503, error.message];
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return [415, 'not JSON: set the header Content-Type: application/json'];
  }
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return [400, `cannot read the request: ${error.message}`];
  }
  return [500, "internal error; see the receiver's log"];
}
