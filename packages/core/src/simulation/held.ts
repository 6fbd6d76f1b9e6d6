import type { Remediation } from '../redis/remediation.ts';
import type { Decision } from './walk.ts';

type Hold = Extract<Decision, { kind: 'hold' }>;

/** What a cooldown holds does not age meanwhile. */
export function cooledBy(
  remediation: Remediation,
  { reason, until }: Hold,
  now: number,
): Remediation {
  if (reason !== 'cooldown') return remediation;
  return { ...remediation, cooled: (remediation.cooled ?? 0) + until - now };
}

/** What waits for its runs is called by nobody. */
export function wasCalled(decision: Decision | undefined): boolean {
  return decision?.kind === 'hold' && isOfALimit(decision) && decision.reason !== 'max-runs';
}

export function needsPlace(decision: Decision): boolean {
  return decision.kind === 'hold' ? isOfALimit(decision) : decision.outcome === 'created';
}

/** Then whoever held it has called others. */
export const isOfALimit = ({ reason }: Hold): boolean => reason !== 'cooldown';
