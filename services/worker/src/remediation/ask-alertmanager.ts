import type { JointAnswer } from '@openfero/core/decisions/alertmanager-answer';
import type { Alertmanagers } from '../alertmanager/ask.ts';
import { type Attempt, type AttemptResult, end } from './attempt.ts';
import { Unconfirmed } from './verdict.ts';

/**
 * Milliseconds. The trouble is claimed while it is asked: the create must come well within CLAIM_LIFE, and
 * the lock and the call may take 19 s of that.
 */
const ASK_LIMIT = 30_000;

/**
 * Asks Alertmanager about the alert of an attempt that is about to create a Job: the last moment at which
 * a silence, an inhibition or a resolution can stop it.
 *
 * @returns the end of the remediation, or undefined where the Job is wanted
 * @throws where nobody knows: it is tried again, and never run unasked
 */
export async function askAlertmanager(
  attempt: Attempt,
  alertmanagers: Alertmanagers,
): Promise<AttemptResult | undefined> {
  const { delivery } = attempt;
  const { alert } = delivery.remediation;
  // Alertmanager forgets a resolved alert.
  if (alert.status === 'resolved') return undefined;
  const since = performance.now();
  let result = endFor(attempt, await alertmanagers.standingOf(alert));
  if (result !== undefined) {
    // What is sent from here on is not absorbed by a remediation that gives up: so ask once more.
    await delivery.freeOccurrence();
    result = endFor(attempt, await alertmanagers.standingOf(alert));
  }
  if (result === undefined && performance.now() - since > ASK_LIMIT)
    throw new Unconfirmed(TOO_SLOW);
  return result;
}

const TOO_SLOW = `Alertmanager needed more than ${ASK_LIMIT / 1000} s to say that the alert still fires`;

/** @throws where it is unknown */
function endFor(
  { operarius: { name, policy } }: Attempt,
  answer: JointAnswer,
): AttemptResult | undefined {
  switch (answer.kind) {
    case 'active':
      return undefined;
    case 'suppressed':
      return end('suppressed', name, `Alertmanager: the alert is ${answer.by}`);
    case 'absent':
      if (policy.runIfResolved) return undefined;
      return end('superseded', name, 'Alertmanager does not have the alert any more');
    case 'unknown':
      throw new Unconfirmed(
        `Alertmanager cannot tell whether the alert still fires: ${answer.problem}`,
      );
  }
}
