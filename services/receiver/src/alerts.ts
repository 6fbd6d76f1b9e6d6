import type { Logger } from '@openfero/service/log';
import type { OpenSpan, Tracing } from '@openfero/service/tracing';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readBody } from './body.ts';
import { type Judged, judge } from './judge.ts';
import { ALERT_WEIGHT, LISTED, LOGGED, LOGGED_GROUP_KEY, ROOM } from './limits.ts';
import type { ReceiverMetrics } from './metrics.ts';
import { note } from './report.ts';
import { createRoom, type Share } from './room.ts';
import { GET_SCHEMA, POST_SCHEMA } from './schema.ts';
import type { Store } from './store.ts';
import { traceAlerts, traceNotification } from './traces.ts';

export interface AlertsDeps {
  readonly store: Store;
  readonly metrics: ReceiverMetrics;
  readonly log: Logger;
  readonly tracing: Tracing;
  /** Bytes. */
  readonly bodyLimit: number;
}

/** Adds POST /alerts, the webhook for Alertmanager, and GET /alerts, which answers OK. */
export function registerAlerts(app: FastifyInstance, deps: AlertsDeps): void {
  const room = createRoom(ROOM * deps.bodyLimit);
  // The handler reads the body itself, so that it knows what all bodies take.
  app.addContentTypeParser('application/json', (_request, _payload, done) => done(null));
  app.get('/alerts', { schema: GET_SCHEMA }, async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send('OK'),
  );
  app.post('/alerts', { schema: POST_SCHEMA }, async (request, reply) => {
    const share = room.enter();
    try {
      return await traceNotification(deps.tracing, request, reply, (span) =>
        receive({ ...deps, span }, request, reply, share),
      );
    } finally {
      share.leave();
    }
  });
}

async function receive(
  deps: AlertsDeps & { readonly span: OpenSpan },
  request: FastifyRequest,
  reply: FastifyReply,
  share: Share,
): Promise<unknown> {
  const judged = await readNotification(request, deps.bodyLimit, share);
  const since = performance.now();
  const { alerts, rejected, warnings } = judged;
  if (alerts.length === 0) {
    report(deps, request, judged);
    const error = `no valid alert in this notification: \`rejected\` has the reasons of the first ${LISTED}`;
    return reply.code(400).send({ error, rejected: rejected.list });
  }
  const trace = traceAlerts(deps.tracing, deps.span, judged.groupKey);
  const { queued, absorbed, remediations } = await deps.store.add({ ...judged, since, trace });
  deps.span.set({ 'openfero.queued': queued, 'openfero.absorbed': absorbed });
  note(request, { queued, absorbed, remediations });
  report(deps, request, judged);
  countReceived(deps.metrics, judged, absorbed);
  const answer = { queued, absorbed, remediations, rejected: rejected.list };
  return warnings.length === 0 ? answer : { ...answer, warnings };
}

/** A function of its own: the body must not be in memory while its alerts are stored. */
async function readNotification(
  request: FastifyRequest,
  bodyLimit: number,
  share: Share,
): Promise<Judged> {
  const judged = judge(await readBody(request.raw, bodyLimit, share), Date.now());
  note(request, { groupKey: judged.groupKey.slice(0, LOGGED_GROUP_KEY) });
  share.add(judged.alerts.length * ALERT_WEIGHT);
  return judged;
}

/** Called only with a final answer: after a 5xx the sender tries again. */
function report(
  { metrics, log }: AlertsDeps,
  request: FastifyRequest,
  { groupKey: key, rejected, warnings, truncated }: Judged,
): void {
  const groupKey = key.slice(0, LOGGED_GROUP_KEY);
  let count = 0;
  for (const [reason, number] of rejected.counts) {
    metrics.rejected.inc({ reason }, number);
    count += number;
  }
  note(request, { rejected: count });
  for (const alert of rejected.list.slice(0, LOGGED)) {
    log.warn({ ...alert, groupKey }, 'alert rejected: it is not remediated');
  }
  if (warnings.length > 0) {
    log.warn(
      { warnings: warnings.slice(0, LOGGED), groupKey },
      'the notification has errors that were ignored',
    );
  }
  if (truncated > 0) {
    metrics.truncated.inc(truncated);
    log.warn(
      { truncated, groupKey },
      'the sender left out alerts, they are not remediated: raise max_alerts in its webhook_config',
    );
  }
}

function countReceived(metrics: ReceiverMetrics, { alerts }: Judged, absorbed: number): void {
  const firing = alerts.filter((alert) => alert.status === 'firing').length;
  metrics.received.inc({ status: 'firing' }, firing);
  metrics.received.inc({ status: 'resolved' }, alerts.length - firing);
  metrics.absorbed.inc(absorbed);
}
