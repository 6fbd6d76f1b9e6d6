import { readTraceparent } from '@openfero/core/traceparent';
import type { OpenSpan, Tracing } from '@openfero/service/tracing';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Received } from './entries.ts';

/** Runs a request in a span. If its sender has a trace, it goes on. */
export function traceNotification(
  tracing: Tracing,
  { headers }: FastifyRequest,
  reply: FastifyReply,
  work: (span: OpenSpan) => Promise<unknown>,
): Promise<unknown> {
  const options = {
    name: 'POST /alerts',
    kind: 'server',
    parent: readTraceparent(headers['traceparent']),
    attributes: { 'http.request.method': 'POST', 'http.route': '/alerts' },
  } as const;
  return tracing.run(options, async (span) => {
    const answer = await work(span);
    span.set({ 'http.response.status_code': reply.statusCode });
    return answer;
  });
}

/** Creates what records that an alert is queued: all that follows belongs to this span. */
export function traceAlerts(
  tracing: Tracing,
  { traceparent: parent }: OpenSpan,
  groupKey: string,
): Received['trace'] {
  // Off.
  if (parent === undefined) return () => undefined;
  return (remediation, { labels, status, fingerprint }) => {
    const now = Date.now();
    return tracing.record({
      ...{ name: 'queue remediation', kind: 'producer', parent, start: now, end: now },
      attributes: {
        'openfero.remediation': remediation,
        'openfero.alertname': labels['alertname'],
        'openfero.status': status,
        'openfero.fingerprint': fingerprint,
        'openfero.group_key': groupKey,
      },
    });
  };
}
