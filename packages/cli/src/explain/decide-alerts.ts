import { createOperariusRegistry, definitionsOf } from '@openfero/core/decisions/registry';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { NotANotification, readNotification } from '@openfero/core/notification';
import { RejectedAlert, readAlert } from '@openfero/core/read-alert';
import type { Remediation } from '@openfero/core/redis/remediation';
import { type Decided, decide, type Facts } from '@openfero/core/simulation/steps';
import type { DecisionSettings } from '../definitions.ts';
import { CouldNotAsk } from '../terminal.ts';

/** What is known besides the alert and the definitions. */
export type Known = Omit<Facts, 'registry' | 'settings' | 'now' | 'state'> & {
  readonly isOurs: (job: string) => boolean;
  readonly stateOf: (alert: Remediation['alert']) => Facts['state'];
};

/** Without Redis and cluster: nothing is remembered, and there are no Jobs. */
const NOTHING_KNOWN: Known = {
  isOurs: () => false,
  stateOf: () => undefined,
  memoryOf: () => undefined,
  creationsOf: () => [],
  isUnfinished: () => false,
  countUnfinished: () => 0,
};

export interface DecidedAlert extends Decided {
  readonly remediation: Remediation;
}

/**
 * Decides about each alert of a notification as a worker would that takes it now.
 *
 * @param now milliseconds since 1970
 * @throws {CouldNotAsk} where it is no notification
 */
export function decideAlerts(
  body: unknown,
  configMaps: readonly ConfigMap[],
  settings: DecisionSettings,
  { now, known = NOTHING_KNOWN }: { readonly now: number; readonly known?: Known },
): readonly (DecidedAlert | RejectedAlert)[] {
  const remediations = remediationsOf(body, now);
  const { isOurs, stateOf, ...facts } = known;
  const cluster = { operarii: definitionsOf(configMaps), jobs: { isOurs } };
  const registry = createOperariusRegistry(cluster, settings.policy);
  return remediations.map((remediation) => {
    if (remediation instanceof RejectedAlert) return remediation;
    const state = stateOf(remediation.alert);
    return { ...decide(remediation, { ...facts, registry, settings, now, state }), remediation };
  });
}

/** The remediations that the receiver would queue. @throws {CouldNotAsk} */
function remediationsOf(body: unknown, now: number): (Remediation | RejectedAlert)[] {
  const notification = notificationIn(body);
  const reading = { groupStatus: notification.status, receivedAt: now, warn: () => {} };
  const group = {
    key: notification.groupKey,
    status: notification.status ?? '',
    externalURL: notification.externalURL,
  };
  return notification.alerts.map((value, i) => {
    const alert = readAlert(value, reading);
    if (alert instanceof RejectedAlert) return alert;
    return { v: 1, id: `cli-${i + 1}`, receivedAt: now, group, alert };
  });
}

function notificationIn(body: unknown) {
  try {
    return readNotification(body, () => {});
  } catch (error) {
    if (error instanceof NotANotification) throw new CouldNotAsk(error.message);
    throw error;
  }
}
