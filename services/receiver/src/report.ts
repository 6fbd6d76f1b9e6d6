import type { Logger } from '@openfero/service/log';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { boundWarnings } from './bounded-lines.ts';
import type { OnNotification } from './last-notification.ts';
import { LOGGED_PATH, STRAY_LINES } from './limits.ts';
import type { ReceiverMetrics } from './metrics.ts';
import { Unavailable } from './unavailable.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What its log line has besides the status code. */
    logFields: Record<string, unknown> | undefined;
    /** It is logged and counted. */
    concluded: boolean;
  }
}

/** These only read: nobody sends notifications with them. */
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Answers to requests that do not reach the route of notifications. */
const STRAY: ReadonlySet<number> = new Set([401, 404, 405]);

interface Reporting {
  readonly metrics: ReceiverMetrics;
  readonly log: Logger;
  readonly onNotification: OnNotification;
}

/**
 * Logs and counts each request that sends something exactly once, on any path: a notification that
 * goes to a wrong one is lost, and nobody would see why.
 */
export function reportNotifications(
  app: FastifyInstance,
  { metrics, log, onNotification }: Reporting,
): void {
  const warnOfStray = boundWarnings(log, STRAY_LINES);
  const conclude = (request: FastifyRequest, code: number): void => {
    if (request.concluded || READING.has(request.method)) return;
    request.concluded = true;
    metrics.notifications.inc({ code });
    onNotification(code);
    const line = { code, ...request.logFields };
    if (code === 200) log.info(line, 'notification');
    else if (STRAY.has(code)) warnOfStray({ ...addressOf(request), ...line }, REFUSED);
    else log.warn(line, REFUSED);
  };
  app.decorateRequest('logFields');
  app.decorateRequest('concluded', false);
  app.addHook('onResponse', (request, reply, done) => {
    note(request, { ms: Math.round(reply.elapsedTime) });
    conclude(request, reply.statusCode);
    done();
  });
  // The body is incomplete, or the sender is gone.
  app.addHook('onRequestAbort', (request, done) => {
    conclude(request, request.pendingCode);
    done();
  });
}

const REFUSED = 'notification refused';

function addressOf({ method, url }: FastifyRequest): object {
  return { method, path: url.slice(0, LOGGED_PATH) };
}

export function note(request: FastifyRequest, fields: Record<string, unknown>): void {
  request.logFields = Object.assign(request.logFields ?? {}, fields);
}

/** Adds the reason of an error answer to the log line of the request. */
export function noteRefusal(request: FastifyRequest, error: Error): void {
  note(request, { error: error.message });
  if (error instanceof Unavailable && error.cause instanceof Error) {
    note(request, { cause: error.cause.message });
  }
}
