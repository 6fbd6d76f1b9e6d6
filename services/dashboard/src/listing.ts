import { type Remediation, readRemediation } from '@openfero/core/redis/remediation';
import type { Job } from 'bullmq';
import { LISTED_LENGTH, TITLE_LENGTH } from './limits.ts';

/** In place of what only the page of one remediation shows. */
const ELSEWHERE = 'too large for this list: open the remediation to see it';

/**
 * Shortens what a list shows of a remediation, in place, where it is long. Its title stays what it
 * was. The payload is hostile: this never throws.
 */
export function shorten(job: Job): Job {
  if (isLong(job.data)) job.data = shortPayload(job.data);
  if (isLong(job.returnvalue)) job.returnvalue = shortResult(job.returnvalue);
  if (isLong(job.failedReason))
    job.failedReason = structuredClone(job.failedReason.slice(0, LISTED_LENGTH));
  if (isLong(job.stacktrace)) job.stacktrace = [];
  return job;
}

function isLong(value: unknown): boolean {
  return (JSON.stringify(value) ?? '').length > LISTED_LENGTH;
}

function shortPayload(data: unknown): unknown {
  try {
    return shortRemediation(readRemediation(data));
  } catch {
    return ELSEWHERE;
  }
}

/** Keeps all that titles.ts reads. */
function shortRemediation(remediation: Remediation): Remediation {
  const { alert, group, held } = remediation;
  return {
    ...remediation,
    group: { key: clip(group.key), status: clip(group.status), externalURL: ELSEWHERE },
    alert: {
      ...alert,
      labels: { alertname: clip(alert.labels['alertname'] ?? ''), '…': ELSEWHERE },
      annotations: { '…': ELSEWHERE },
      generatorURL: ELSEWHERE,
      fingerprint: clip(alert.fingerprint),
    },
    ...(held && { held: { ...held, reason: clip(held.reason) } }),
  };
}

function shortResult(result: unknown): object {
  const { outcome, job } = { outcome: undefined, job: undefined, ...Object(result) };
  return { outcome: clip(outcome), job: clip(job), '…': ELSEWHERE };
}

/**
 * One character more than a title has, so that titles.ts still cuts it. A copy: to V8 a slice is a
 * view, and would keep the whole text.
 */
function clip<T>(value: T): T | string {
  return typeof value === 'string' ? structuredClone(value.slice(0, TITLE_LENGTH + 1)) : value;
}
