import { wasActedOn } from '../decisions/after-firing.ts';
import type { Found } from '../decisions/registry.ts';
import { firingTroubleOf } from '../identity/trouble.ts';
import type { Remediation } from '../redis/remediation.ts';
import type { Attempt, Facts } from './attempt.ts';

/** There is nothing to undo where no Job was created while the alert fired. */
export function afterFiring({ remediation, operarius, facts, walk }: Attempt): void {
  const { alert } = remediation;
  if (!operarius.policy.onlyAfterFiring || alert.status === 'firing') return;
  const status = 'firing' as const;
  const firing = walk.reads('after firing', () => facts.registry.find({ ...alert, status }));
  if (firing === undefined) return;
  const why = whyNothingDone(remediation, firing, facts);
  if (why === undefined) walk.passes('after firing', 'a Job was created while the alert fired');
  else
    walk.decides('after firing', {
      kind: 'end',
      outcome: 'not-matched',
      reason: `only-after-firing: ${why}`,
    });
}

function whyNothingDone(
  remediation: Remediation,
  firing: Found,
  { memoryOf, creationsOf }: Facts,
): string | undefined {
  if (firing.operarius === undefined) return firing.reason;
  const { troubleKey } = firingTroubleOf(remediation, firing.operarius);
  const look = { memory: memoryOf(troubleKey), creations: creationsOf(troubleKey) };
  if (wasActedOn(remediation.alert, look)) return undefined;
  return `ConfigMap ${firing.operarius.name} created no Job while this alert fired`;
}
