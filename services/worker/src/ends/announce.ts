import type { Events, Operarii } from '@openfero/cluster/cluster';
import type { Ending } from './record.ts';

/** What it needs of the cluster. */
interface Announced {
  readonly operarii: Pick<Operarii, 'get'>;
  readonly events: Events;
}

/** Characters of an alert's name: it is whatever the sender likes. */
const LONGEST_NAME = 200;

/**
 * Tells the author of an operarius what became of an alert, by an Event on the ConfigMap: that a Job was
 * created, or that the remediation failed. Of the other ends only the log and the dashboard tell, and
 * nothing does where there is no ConfigMap to tell it on.
 */
export function announce({ operarii, events }: Announced, ending: Ending): void {
  const metadata = operarii.get(ending.operarius)?.metadata;
  if (metadata === undefined) return;
  switch (ending.end) {
    case 'created':
      events.record(metadata, 'JobCreated', `Created Job ${ending.job} for ${of(ending)}`);
      break;
    case 'invalid-operarius':
    case 'rejected':
    case 'expired':
      events.record(
        metadata,
        'RemediationFailed',
        `No Job for ${of(ending)}: ${ending.end}: ${ending.reason}`,
      );
      break;
  }
}

function of({ alert, remediation }: Ending): string {
  if (alert === undefined) return `remediation ${remediation}`;
  const { labels, fingerprint, status } = alert;
  const name = labels['alertname']?.slice(0, LONGEST_NAME).toWellFormed();
  return `${status} alert ${name} (${fingerprint})`;
}
