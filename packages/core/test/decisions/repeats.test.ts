import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { wasActedOn } from '../../src/decisions/after-firing.ts';
import { whyTooOften } from '../../src/decisions/repeats.ts';
import { instantOf } from '../../src/instant.ts';
import { DEFAULT_POLICY } from '../../src/operarius/policy.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe('a trouble that comes back', () => {
  /** The Jobs of a day in which it comes back after each period, and a Job ends it each time. */
  function jobsInADay(period: number, maxRepeats = DEFAULT_POLICY.maxRepeats): number {
    const creations: number[] = [];
    for (let now = 0; now < DAY; now += period) {
      if (whyTooOften({ creations, now }, { maxRepeats }) === undefined) creations.push(now);
    }
    return creations.length;
  }

  it('gets five Jobs a day', () => {
    assert.equal(jobsInADay(20 * MINUTE), 5);
    assert.equal(jobsInADay(20 * MINUTE, 'none'), 72);
    assert.equal(jobsInADay(5 * 60 * MINUTE), 5, 'less often: all');
    assert.equal(jobsInADay(6 * 60 * MINUTE), 4);
  });

  it('is told how many Jobs it has had, and the limit', () => {
    const creations = [1, 2, 3, 4, 5].map((hour) => hour * 60 * MINUTE);
    assert.equal(
      whyTooOften({ creations, now: 6 * 60 * MINUTE }, DEFAULT_POLICY),
      'this problem has had 5 Jobs within 1d, and is back: max-repeats is 5/1d',
    );
  });

  it('never has more Jobs than the limit in any span of it', () => {
    const limits = fc.record({
      count: fc.integer({ min: 1, max: 20 }),
      within: fc.integer({ min: 1, max: 500 }),
    });
    const gaps = fc.array(fc.nat(100), { maxLength: 100 });
    fc.assert(
      fc.property(limits, gaps, (maxRepeats, all) => {
        const creations: number[] = [];
        let now = 1000;
        for (const gap of all) {
          now += gap;
          // Redis keeps the latest 20.
          const known = creations.slice(-20);
          if (whyTooOften({ creations: known, now }, { maxRepeats }) === undefined) {
            creations.push(now);
          }
        }
        for (const end of creations) {
          const within = creations.filter((at) => at <= end && at > end - maxRepeats.within);
          assert.ok(within.length <= maxRepeats.count);
        }
      }),
    );
  });
});

describe('a resolved alert was acted on', () => {
  const alert = { startsAt: instantOf(1000), endsAt: instantOf(2000) };
  const memoryOf = (instant: number) => ({
    ...{ episode: { instant: instantOf(instant), count: 0 }, remediation: 'r', job: 'j' },
    ...{ createdAfter: 0, createdAt: 0 },
  });

  it('where the remembered Job is of its own episode, or one was created while it fired', () => {
    assert.ok(wasActedOn(alert, { memory: memoryOf(1000), creations: [] }));
    assert.ok(wasActedOn(alert, { memory: memoryOf(5000), creations: [500, 1500, 6000] }));
  });

  it('and not where Jobs were created before or after only, or none', () => {
    assert.ok(!wasActedOn(alert, { memory: memoryOf(5000), creations: [500, 999, 2001, 6000] }));
    assert.ok(!wasActedOn(alert, { memory: undefined, creations: [] }));
  });
});
