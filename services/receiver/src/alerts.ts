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
import { type Store, Unavailable } from './store.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the log line of this notification tells besides code and time. */
    account: Record<string, unknown> | undefined;
    /** Its line and count are made. */
    concluded: boolean;
  }
}

/** Where an alert stood in the notification, and why it was left out. */
interface Rejected {
  readonly index: number;
  readonly reason: Rejection;
}

export interface AlertsDeps {
  readonly store: Store;
  readonly metrics: ReceiverMetrics;
  readonly log: Logger;
}

/** POST /alerts, the webhook of Alertmanager, and GET /alerts as the original answers it. */
export function alerts(app: FastifyInstance, deps: AlertsDeps): void {
  app.decorateRequest('account');
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
    // Half a body, or a sender that did not wait: nothing that could be answered any more.
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
  const { good, rejected } = judge(notification);
  if (good.length === 0) {
    countRejected(metrics, request, rejected);
    return reply
      .code(400)
      .send({ error: 'none of the alerts is one: the reasons are in rejected', rejected });
  }
  const { queued, absorbed } = await store.add({
    groupKey,
    groupStatus: notification.status,
    externalURL: notification.externalURL ?? '',
    alerts: good,
    since,
  });
  note(request, { queued, absorbed });
  countRejected(metrics, request, rejected);
  countGood(metrics, good, absorbed);
  warnOfTruncation(metrics, log, notification);
  return { queued, absorbed, rejected };
}

/** Each alert is judged alone: a bad one does not hold up its group. */
function judge(notification: Notification): { good: Alert[]; rejected: Rejected[] } {
  const good: Alert[] = [];
  const rejected: Rejected[] = [];
  for (const [index, value] of notification.alerts.entries()) {
    const alert = readAlert(value, notification.status);
    if (typeof alert === 'string') rejected.push({ index, reason: alert });
    else good.push(alert);
  }
  return { good, rejected };
}

/** Only with a final answer: what is refused with a 5xx comes again. */
function countRejected(
  metrics: ReceiverMetrics,
  request: FastifyRequest,
  rejected: readonly Rejected[],
): void {
  note(request, { rejected: rejected.length });
  for (const { reason } of rejected) metrics.rejected.inc({ reason });
}

function countGood(metrics: ReceiverMetrics, good: readonly Alert[], absorbed: number): void {
  const firing = good.filter((alert) => alert.status === 'firing').length;
  metrics.received.inc({ status: 'firing' }, firing);
  metrics.received.inc({ status: 'resolved' }, good.length - firing);
  metrics.absorbed.inc(absorbed);
}

function warnOfTruncation(metrics: ReceiverMetrics, log: Logger, notification: Notification): void {
  const truncated = notification.truncatedAlerts ?? 0;
  if (!(truncated > 0)) return;
  metrics.truncated.inc(truncated);
  log.warn(
    { truncated, groupKey: notification.groupKey?.slice(0, LOGGED_GROUP_KEY) },
    'the sender cut alerts off, these are not remediated: raise max_alerts of its webhook',
  );
}

/** One line and one count per notification, whatever became of it. */
function conclude({ metrics, log }: AlertsDeps, request: FastifyRequest, code: number): void {
  if (request.concluded) return;
  request.concluded = true;
  metrics.notifications.inc({ code });
  const line = { code, ...request.account };
  if (code === 200) log.info(line, 'notification');
  else log.warn(line, 'notification refused');
}

/** Used by the app's error handler: a reason for the log line. */
export function explainRefusal(request: FastifyRequest, error: Error): void {
  note(request, { error: error.message });
  if (error instanceof Unavailable && error.cause instanceof Error) {
    note(request, { cause: error.cause.message });
  }
}

function note(request: FastifyRequest, fields: Record<string, unknown>): void {
  request.account = { ...request.account, ...fields };
}

const Failure = (description: string) => Type.Object({ error: Type.String() }, { description });
const Rejections = Type.Array(Type.Object({ index: Type.Integer(), reason: Type.String() }));

const GET_SCHEMA = {
  tags: ['alerts'],
  summary: 'Tells that alerts can be sent here',
  response: { 200: Type.String({ description: 'OK' }) },
};

const POST_SCHEMA = {
  tags: ['alerts'],
  summary: "Receives a notification of Alertmanager's webhook",
  consumes: ['application/json'],
  body: NotificationSchema,
  response: {
    200: Type.Object(
      { queued: Type.Integer(), absorbed: Type.Integer(), rejected: Rejections },
      { description: 'Every good alert is in Redis' },
    ),
    400: Type.Object(
      { error: Type.String(), rejected: Type.Optional(Rejections) },
      { description: 'No notification, or none of its alerts is one' },
    ),
    401: Failure('Wrong or missing credentials or client certificate'),
    408: Failure('The body did not come in time'),
    413: Failure('The body is larger than OPENFERO_BODY_LIMIT'),
    415: Failure('The body is not application/json'),
    503: Failure('Not stored: send it again, as Alertmanager does'),
  },
};
