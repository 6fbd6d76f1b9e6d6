import { formatDuration } from '../duration.ts';
import type { Policy } from '../operarius/policy.ts';
import type { Remediation } from '../redis/remediation.ts';
import type { State } from '../redis/states.ts';

/** Why a remediation is given up without a Job. */
export interface GivenUp {
  readonly outcome: 'superseded' | 'expired';
  readonly reason: string;
}

/**
 * Whether a remediation comes too late: its trouble is over, or it has waited too long.
 *
 * @param state the latest received state of its alert
 * @param now milliseconds, Redis' clock
 */
export function tooLate(
  remediation: Remediation,
  policy: Policy,
  state: State | undefined,
  now: number,
): GivenUp | undefined {
  if (!policy.runIfResolved && state !== undefined && isOver(remediation, state)) {
    return { outcome: 'superseded', reason: `the alert was resolved at ${state.endsAt}` };
  }
  const age = ageOf(remediation, state, now);
  if (age <= policy.maxAge) return undefined;
  const limit = formatDuration(policy.maxAge);
  return {
    outcome: 'expired',
    reason: `waited ${Math.round(age / 1000)} s, longer than max-age ${limit}`,
  };
}

/**
 * Two sources that disagree can say firing, resolved and firing again with one startsAt: only a
 * resolution that came later, and ended after the trouble began, is one. In doubt it runs.
 */
function isOver({ alert, receivedAt }: Remediation, state: State): boolean {
  return (
    alert.status === 'firing' &&
    state.status === 'resolved' &&
    state.receivedAt > receivedAt &&
    state.endsAt > alert.startsAt
  );
}

/** Counted from the latest receipt of the same occurrence, or from a person's retry. */
function ageOf(remediation: Remediation, state: State | undefined, now: number): number {
  const { alert, receivedAt, retriedAt = 0, cooled = 0 } = remediation;
  const same = state?.status === alert.status && state.startsAt === alert.startsAt;
  const received = same ? Math.max(receivedAt, state.receivedAt) : receivedAt;
  return now - Math.max(received, retriedAt) - cooled;
}
