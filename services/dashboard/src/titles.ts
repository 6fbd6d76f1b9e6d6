import type { QueueJobJson } from '@bull-board/api/typings/app';
import { FAILURES, OUTCOMES } from '@openfero/core/outcome';
import { type Remediation, readRemediation } from '@openfero/core/redis/remediation';
import { TITLE_LENGTH } from './limits.ts';

/**
 * Returns what an on-call person reads first: alertname, status, and the outcome with the Job's name, or
 * why the remediation is held. The payload is hostile: this never throws, and its result is short.
 */
export function titleOf(job: QueueJobJson): string {
  const remediation = read(job.data);
  if (remediation === undefined) return `${clip(String(job.name))} · unreadable`;
  const { alert, held } = remediation;
  const title = `${clip(alert.labels['alertname'] ?? '')} ${alert.status}`;
  const state = job.finishedOn ? endOf(job) : held && `held: ${clip(held.reason)}`;
  return state === undefined ? title : `${title} · ${state}`;
}

/** Orders the payload for reading: the page folds nested values. */
export function readableData(data: unknown): unknown {
  const remediation = read(data);
  if (remediation === undefined) return data;
  const { alert, receivedAt, ...rest } = remediation;
  const { labels, annotations, ...more } = alert;
  return { labels, annotations, ...more, receivedAt: new Date(receivedAt).toISOString(), ...rest };
}

function read(data: unknown): Remediation | undefined {
  try {
    return readRemediation(data);
  } catch {
    return undefined;
  }
}

function endOf({ returnvalue, failedReason }: QueueJobJson): string | undefined {
  const outcome = OUTCOMES.find((known) => known === returnvalue?.outcome);
  if (outcome !== undefined) {
    const { job } = returnvalue;
    return typeof job === 'string' ? `${outcome} ${clip(job)}` : outcome;
  }
  return (
    FAILURES.find((known) => failedReason?.startsWith(`${known}:`)) ??
    (failedReason ? 'failed' : undefined)
  );
}

/** Returns one short line. */
function clip(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, ' ');
  return line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH)}…` : line;
}
