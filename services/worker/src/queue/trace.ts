import type { Remediation } from '@openfero/core/redis/remediation';
import { readTraceparent } from '@openfero/core/traceparent';
import type { Tracing } from '@openfero/service/tracing';
import type { AttemptResult } from '../remediation/attempt.ts';

/**
 * Runs an attempt in a span of its own, in the trace of the remediation.
 *
 * @param attempt is given what its own requests belong to
 */
export function traceAttempt(
  tracing: Tracing,
  remediation: Remediation,
  attempt: (traceparent: string | undefined) => Promise<AttemptResult>,
): Promise<AttemptResult> {
  const { id, alert, receivedAt } = remediation;
  const options = {
    name: 'remediate',
    kind: 'consumer',
    parent: readTraceparent(remediation.traceparent),
    attributes: {
      'openfero.remediation': id,
      'openfero.alertname': alert.labels['alertname'],
      'openfero.status': alert.status,
      'openfero.fingerprint': alert.fingerprint,
      'openfero.received_at': receivedAt,
    },
  } as const;
  return tracing.run(options, async (span) => {
    const attempted = await attempt(span.traceparent);
    if (attempted.kind === 'hold') {
      span.set({ 'openfero.held': attempted.reason });
    } else {
      const { outcome, operarius, job } = attempted.result;
      span.set({
        'openfero.outcome': outcome,
        'openfero.operarius': operarius,
        'k8s.job.name': job,
      });
    }
    return attempted;
  });
}
