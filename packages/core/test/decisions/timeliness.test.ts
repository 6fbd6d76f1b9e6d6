import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tooLate } from '../../src/decisions/timeliness.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/operarius/policy.ts';
import type { Remediation } from '../../src/redis/remediation.ts';
import type { State } from '../../src/redis/states.ts';
import { remediation as remediationOf } from '../remediations.ts';

const MINUTE = 60_000;
const STARTS = '2026-11-22T04:00:00.000000000Z';
const LATER = '2026-11-22T04:30:00.000000000Z';

const policy: Policy = { ...DEFAULT_POLICY, maxAge: 15 * MINUTE };

const remediation: Remediation = {
  ...remediationOf({ startsAt: STARTS }),
  receivedAt: 1_000_000,
};

const resolved: State = {
  status: 'resolved',
  startsAt: STARTS,
  endsAt: LATER,
  receivedAt: remediation.receivedAt + 1,
};

const at = (ms: number): number => remediation.receivedAt + ms;

describe('a firing alert is superseded', () => {
  it('when it was resolved after it was received', () => {
    assert.equal(tooLate(remediation, policy, resolved, at(0))?.outcome, 'superseded');
  });

  it('not when the resolution is older or does not belong to the episode', () => {
    const doubtful: readonly State[] = [
      { ...resolved, receivedAt: remediation.receivedAt },
      { ...resolved, endsAt: STARTS },
      { ...resolved, status: 'firing' },
    ];
    for (const state of doubtful) {
      assert.equal(tooLate(remediation, policy, state, at(0)), undefined);
    }
    assert.equal(tooLate(remediation, policy, undefined, at(0)), undefined);
  });

  it('not when the operarius says run-if-resolved', () => {
    assert.equal(
      tooLate(remediation, { ...policy, runIfResolved: true }, resolved, at(0)),
      undefined,
    );
  });

  it('and a resolved one never is', () => {
    const end = { ...remediation, alert: { ...remediation.alert, status: 'resolved' as const } };
    assert.equal(tooLate(end, policy, resolved, at(0)), undefined);
  });
});

describe('a remediation expires', () => {
  it('once it is older than max-age, counted from its receipt', () => {
    assert.equal(tooLate(remediation, policy, undefined, at(15 * MINUTE)), undefined);
    const late = tooLate(remediation, policy, undefined, at(15 * MINUTE + 1));
    assert.equal(late?.outcome, 'expired');
    assert.match(late?.reason ?? '', /900 s, longer than max-age 15m/);
  });

  it('counted from the latest receipt of the same occurrence, not of another one', () => {
    const again: State = { ...resolved, status: 'firing', receivedAt: at(10 * MINUTE) };
    assert.equal(tooLate(remediation, policy, again, at(20 * MINUTE)), undefined);
    const another = { ...again, startsAt: LATER };
    assert.equal(tooLate(remediation, policy, another, at(20 * MINUTE))?.outcome, 'expired');
  });

  it('counted from a retry by a person, without the time of the cooldown', () => {
    const retried = { ...remediation, retriedAt: at(60 * MINUTE) };
    assert.equal(tooLate(retried, policy, undefined, at(70 * MINUTE)), undefined);
    const cooled = { ...remediation, cooled: 10 * MINUTE };
    assert.equal(tooLate(cooled, policy, undefined, at(25 * MINUTE)), undefined);
    assert.equal(tooLate(cooled, policy, undefined, at(25 * MINUTE + 1))?.outcome, 'expired');
  });
});
