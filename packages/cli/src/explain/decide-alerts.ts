import { createOperariusRegistry, definitionsOf } from '@openfero/core/decisions/registry';
import type { ConfigMap } from '@openfero/core/kubernetes';
import { NotANotification, readNotification } from '@openfero/core/notification';
import { RejectedAlert, readAlert } from '@openfero/core/read-alert';
import type { Remediation } from '@openfero/core/redis/remediation';
import type { Facts } from '@openfero/core/simulation/attempt';
import { type Decided, decide } from '@openfero/core/simulation/steps';
import type { DecisionSettings } from '../definitions.ts';
import { CouldNotAsk } from '../terminal.ts';

/** What is known besides the alert, the definitions and the Jobs. */
export type Known = Omit<Facts, 'registry' | 'settings' | 'state'> & {
  readonly stateOf: (alert: Remediation['alert']) => Facts['state'];
};

/** Without Redis and cluster: nothing is remembered, and there are no Jobs. */
const NOTHING_KNOWN: Omit<Known, 'now'> = {
  stateOf: () => undefined,
  memoryOf: () => undefined,
  creationsOf: () => [],
  stoppedOf: () => undefined,
  isUnfinished: () => false,
  counts: { unfinished: () => 0, started: () => 0 },
  holderOf: () => undefined,
};

export interface DecidedAlert extends Decided {
  readonly remediation: Remediation;
}

/** What is decided about, and by which definitions. */
export interface Question {
  readonly remediations: readonly (Remediation | RejectedAlert)[];
  readonly registry: Facts['registry'];
  readonly settings: DecisionSettings;
}

/** @param isOurs whether OpenFero created the Job of that name */
export function questionOf(
  remediations: Question['remediations'],
  configMaps: readonly ConfigMap[],
  settings: DecisionSettings,
  isOurs: (job: string) => boolean = () => false,
): Question {
  const cluster = { operarii: definitionsOf(configMaps), jobs: { isOurs, canWait: true } };
  return {
    remediations,
    settings,
    registry: createOperariusRegistry(cluster, settings.policy),
  };
}

/** Decides about each alert of a notification as a worker would that takes it now. */
export function answer(
  { remediations, registry, settings }: Question,
  { stateOf, ...facts }: Known,
): readonly (DecidedAlert | RejectedAlert)[] {
  return remediations.map((remediation) => {
    if (remediation instanceof RejectedAlert) return remediation;
    const state = stateOf(remediation.alert);
    return { ...decide(remediation, { ...facts, registry, settings, state }), remediation };
  });
}

/** The same where nothing is known but files. @param now milliseconds since 1970 */
export function decideAlerts(
  body: unknown,
  configMaps: readonly ConfigMap[],
  settings: DecisionSettings,
  now: number,
): readonly (DecidedAlert | RejectedAlert)[] {
  const question = questionOf(remediationsOf(body, now), configMaps, settings);
  return answer(question, { ...NOTHING_KNOWN, now });
}

/** The remediations that the receiver would queue. @throws {CouldNotAsk} */
export function remediationsOf(body: unknown, now: number): (Remediation | RejectedAlert)[] {
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
