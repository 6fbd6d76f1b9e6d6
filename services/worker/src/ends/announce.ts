import type { Events, Operarii } from '@openfero/cluster/cluster';
import type { HeldNow } from '../queue/hold.ts';
import type { Ending } from './record.ts';

/** What it needs of the cluster. */
interface EventTarget {
  readonly operarii: Pick<Operarii, 'get'>;
  readonly events: Events;
}

/** Characters of an alertname, which has no limit of its own. */
const LONGEST_NAME = 200;

/**
 * Records an Event on the ConfigMap for the author of an operarius: a Job was created, or the remediation
 * failed. Other ends are in the log and the dashboard only, as is every end without a ConfigMap.
 */
export function announce({ operarii, events }: EventTarget, ending: Ending): void {
  const metadata = operarii.get(ending.operarius)?.metadata;
  if (metadata === undefined) return;
  switch (ending.end) {
    case 'created':
      events.record(metadata, 'JobCreated', `Created Job ${ending.job} for ${subjectOf(ending)}`);
      break;
    case 'invalid-operarius':
    case 'rejected':
    case 'expired':
    case 'stopped':
      events.record(
        metadata,
        'RemediationFailed',
        `No Job for ${subjectOf(ending)}: ${ending.end}: ${ending.reason}`,
      );
      break;
  }
}

/** Records an Event on the ConfigMap of a remediation that waits for a limit. The cooldown passes by itself. */
export function announceHeld({ operarii, events }: EventTarget, held: HeldNow): void {
  const metadata = operarii.get(held.operarius)?.metadata;
  if (metadata === undefined || held.reason === 'cooldown') return;
  const { alert, id } = held.remediation;
  const subject = subjectOf({ alert, remediation: id });
  events.record(metadata, 'RemediationHeld', `No Job yet for ${subject}: ${held.by}`);
}

function subjectOf({ alert, remediation }: Pick<Ending, 'alert' | 'remediation'>): string {
  if (alert === undefined) return `remediation ${remediation}`;
  const { labels, fingerprint, status } = alert;
  const name = labels['alertname']?.slice(0, LONGEST_NAME).toWellFormed();
  return `${status} alert ${name} (${fingerprint})`;
}
