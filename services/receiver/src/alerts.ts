import {
  type Alert,
  type Notification,
  NotificationSchema,
  type Rejection,
  readAlert,
  readNotification,
} from '@openfero/core/alert';
import type { Logger } from '@openfero/service/log';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { LOGGED_GROUP_KEY } from './limits.ts';
import type { ReceiverMetrics } from './metrics.ts';
import type { Store } from './store.ts';
import { Unavailable } from './unavailable.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the log line of this notification has besides the status code. */
    logFields: Record<string, unknown> | undefined;
    /** The notification is logged and counted. */
    concluded: boolean;
  }
}

/** The place of an invalid alert in its notification, and what is wrong with it. */
interface Rejected {
  readonly index: number;
  readonly reason: Rejection;
}

export interface AlertsDeps {
  readonly store: Store;
  readonly metrics: ReceiverMetrics;
  readonly log: Logger;
}

/** Adds POST /alerts, the webhook for Alertmanager, and GET /alerts, which answers OK. */
export function registerAlerts(app: FastifyInstance, deps: AlertsDeps): void {
  app.decorateRequest('logFields');
  app.decorateRequest('concluded', false);
  app.get('/alerts', { schema: GET_SCHEMA }, async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send('OK'),
  );
  app.post('/alerts', {
    schema: POST_SCHEMA,
    onResponse: async (request, reply) => {
      note(request, { ms: Math.round(reply.elapsedTime) });
      conclude(deps, request, reply.statusCode);
    },
    // The body is incomplete, or the sender is gone: nobody reads the answer.
    onRequestAbort: async (request) => conclude(deps, request, 408),
    handler: (request, reply) => receive(deps, request, reply),
  });
}

async function receive(
  { store, metrics, log }: AlertsDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const since = performance.now();
  const notification = readNotification(request.body);
  const groupKey = notification.groupKey ?? '';
  note(request, { groupKey: groupKey.slice(0, LOGGED_GROUP_KEY) });
  const { valid, rejected } = readAlerts(notification);
  if (valid.length === 0) {
    countRejected(metrics, request, rejected);
    const error = 'no valid alert in this notification; see `rejected`';
    return reply.code(400).send({ error, rejected });
  }
  const { queued, absorbed } = await store.add({
    groupKey,
    groupStatus: notification.status,
    externalURL: notification.externalURL ?? '',
    alerts: valid,
    since,
  });
  note(request, { queued, absorbed });
  countRejected(metrics, request, rejected);
  countReceived(metrics, valid, absorbed);
  warnOfTruncation(metrics, log, notification);
  return { queued, absorbed, rejected };
}

/** Checks each alert on its own: an invalid one does not hold up its group. */
function readAlerts(notification: Notification): { valid: Alert[]; rejected: Rejected[] } {
  const valid: Alert[] = [];
  const rejected: Rejected[] = [];
  for (const [index, value] of notification.alerts.entries()) {
    const alert = readAlert(value, notification.status);
    if (typeof alert === 'string') rejected.push({ index, reason: alert });
    else valid.push(alert);
  }
  return { valid, rejected };
}

/** Called only with a final answer: after a 5xx the sender tries again. */
function countRejected(
  metrics: ReceiverMetrics,
  request: FastifyRequest,
  rejected: readonly Rejected[],
): void {
  note(request, { rejected: rejected.length });
  for (const { reason } of rejected) metrics.rejected.inc({ reason });
}

function countReceived(metrics: ReceiverMetrics, alerts: readonly Alert[], absorbed: number): void {
  const firing = alerts.filter((alert) => alert.status === 'firing').length;
  metrics.received.inc({ status: 'firing' }, firing);
  metrics.received.inc({ status: 'resolved' }, alerts.length - firing);
  metrics.absorbed.inc(absorbed);
}

function warnOfTruncation(metrics: ReceiverMetrics, log: Logger, notification: Notification): void {
  const truncated = notification.truncatedAlerts ?? 0;
  if (!(truncated > 0)) return;
  metrics.truncated.inc(truncated);
  log.warn(
    { truncated, groupKey: notification.groupKey?.slice(0, LOGGED_GROUP_KEY) },
    'the sender left out alerts, they are not remediated: raise max_alerts in its webhook_config',
  );
}

/** Logs and counts each notification exactly once. */
function conclude({ metrics, log }: AlertsDeps, request: FastifyRequest, code: number): void {
  if (request.concluded) return;
  request.concluded = true;
  metrics.notifications.inc({ code });
  const line = { code, ...request.logFields };
  if (code === 200) log.info(line, 'notification');
  else log.warn(line, 'notification refused');
}

/** Adds the reason of an error answer to the log line of the notification. */
export function noteRefusal(request: FastifyRequest, error: Error): void {
  note(request, { error: error.message });
  if (error instanceof Unavailable && error.cause instanceof Error) {
    note(request, { cause: error.cause.message });
  }
}

function note(request: FastifyRequest, fields: Record<string, unknown>): void {
  request.logFields = { ...request.logFields, ...fields };
}

const Failure = (description: string) => Type.Object({ error: Type.String() }, { description });
const Rejections = Type.Array(Type.Object({ index: Type.Integer(), reason: Type.String() }));

const GET_SCHEMA = {
  tags: ['alerts'],
  summary: 'Check that alerts can be sent to this URL',
  response: { 200: Type.String({ description: 'OK' }) },
};

const POST_SCHEMA = {
  tags: ['alerts'],
  summary: 'Receive a notification from Alertmanager',
  consumes: ['application/json'],
  body: NotificationSchema,
  response: {
    200: Type.Object(
      { queued: Type.Integer(), absorbed: Type.Integer(), rejected: Rejections },
      { description: 'All valid alerts are stored in Redis' },
    ),
    400: Type.Object(
      { error: Type.String(), rejected: Type.Optional(Rejections) },
      { description: 'Not a notification, or a notification without a valid alert' },
    ),
    401: Failure('Missing or wrong credentials, or no valid client certificate'),
    408: Failure('The request did not arrive in time'),
    413: Failure('The body is larger than OPENFERO_BODY_LIMIT'),
    415: Failure('The body is not application/json'),
    503: Failure('Not stored: send the notification again, as Alertmanager does'),
  },
};
