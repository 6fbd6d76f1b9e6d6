import type { DecidedEntry } from '@openfero/core/history/entry';
import type { Decision } from '@openfero/core/redis/approvals';
import type { Sign } from './shapes.ts';

/** People were asked about a Job. */
export const ASKED: Sign = { word: 'Waits for a person', shape: 'pause', tone: 'wait' };

/** What became of the question. */
export const DECIDED: Readonly<Record<Decision, Sign>> = {
  approved: { word: 'Approved', shape: 'check', tone: 'quiet' },
  denied: { word: 'Denied', shape: 'slash', tone: 'wait' },
  lapsed: { word: 'Lapsed: nobody answered in time', shape: 'slash', tone: 'wait' },
  withdrawn: { word: 'Withdrawn: the alert had ended', shape: 'slash', tone: 'quiet' },
};

/** By whom and how; empty where nobody did. */
export function byWhom({
  decision,
  by,
  how,
}: Pick<DecidedEntry, 'decision' | 'by' | 'how'>): string {
  if (decision !== 'approved' && decision !== 'denied') return '';
  const where =
    how === undefined ? '' : ` ${how === 'dashboard' ? 'in the dashboard' : 'with kubectl'}`;
  return by === ''
    ? `${where.trimStart() || 'with kubectl'}: by whom is in the audit log of the API server`
    : `by ${by}${where}`;
}
