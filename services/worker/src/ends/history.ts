import type { EndedJob, JobEnd } from '@openfero/cluster/cluster';
import { encodeEntry } from '@openfero/core/history/encode';
import type { EndEntry, FateEntry } from '@openfero/core/history/entry';
import { NEVER, parseInstant } from '@openfero/core/instant';
import type { Remediation } from '@openfero/core/redis/remediation';
import type { Ending } from './record.ts';

/**
 * The entry of the history for the end of a remediation. One that could not be read has no alert.
 *
 * @param endedAt milliseconds
 */
export function endEntry(
  { remediation: id, end: outcome, operarius, reason, job, definition, warnings }: Ending,
  remediation: Remediation | undefined,
  endedAt: number,
): string {
  const entry: EndEntry = {
    kind: 'end',
    ...{ id, outcome, operarius, reason, endedAt, ...received(remediation, endedAt) },
    ...(job !== undefined && { job }),
    ...(definition !== undefined && { definition }),
    ...(warnings !== undefined && { warnings }),
  };
  return encodeEntry(entry);
}

/** What was received, of what could be read. */
function received(
  remediation: Remediation | undefined,
  endedAt: number,
): Omit<EndEntry, 'kind' | 'id' | 'outcome' | 'operarius' | 'reason' | 'endedAt'> {
  const alert = remediation?.alert;
  return {
    alertname: alert?.labels['alertname'] ?? '',
    status: alert?.status ?? 'firing',
    fingerprint: alert?.fingerprint ?? '',
    startsAt: alert?.startsAt ?? NEVER,
    labels: alert?.labels ?? {},
    groupKey: remediation?.group.key ?? '',
    receivedAt: remediation?.receivedAt ?? endedAt,
    ...(alert?.status === 'resolved' && { endsAt: alert.endsAt }),
  };
}

/** The entry for the end of a Job. */
export function fateEntry(
  { name: job, operarius }: EndedJob,
  end: JobEnd,
  { fate, reason }: Pick<FateEntry, 'fate' | 'reason'>,
): string {
  const { uid, createdAt, endedAt, alertname, fingerprint } = end;
  const entry: FateEntry = {
    kind: 'fate',
    ...{ uid, fate, reason, job, operarius, createdAt, endedAt, alertname, fingerprint },
    id: end.remediation,
    status: end.status === 'resolved' ? 'resolved' : 'firing',
    startsAt: parseInstant(end.startsAt) ?? NEVER,
  };
  return encodeEntry(entry);
}
