import { RETRY_REASONS, type RetryReason } from '@openfero/core/outcome';
import { startAtZero } from '@openfero/service/metrics';
import { Counter, type Registry } from 'prom-client';

/** Counts the attempts that failed and are repeated. @returns what to call for each */
export function countRetries(metrics: Registry): (reason: RetryReason) => void {
  const retries = new Counter({
    name: 'openfero_remediation_retries_total',
    help: 'Attempts at a remediation that failed and will be repeated, by what the API server answered; alertmanager where no Alertmanager could tell whether the alert still fires',
    labelNames: ['reason'],
    registers: [metrics],
  });
  startAtZero(retries, 'reason', RETRY_REASONS);
  return (reason) => retries.inc({ reason });
}
