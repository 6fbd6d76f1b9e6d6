import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EVENT_TYPES, type EventReason } from '../../src/cluster.ts';
import { createCorrelator, type Observation } from '../../src/kubernetes/events/correlator.ts';

const MINUTE = 60_000;

const object = (name: string) => ({ name, namespace: 'jobs', uid: `uid-of-${name}` });
const created = (message: string, name = 'disk'): Observation => ({
  object: object(name),
  reason: 'JobCreated',
  message,
});
const REASONS: readonly EventReason[] = ['JobCreated', 'OperariusValid', 'InvalidOperarius'];

/** Occurrences, each some milliseconds after the one before. */
const OBSERVATIONS = fc.array(
  fc.record({
    after: fc.oneof(fc.nat(1000), fc.nat(15 * MINUTE)),
    name: fc.constantFrom('disk', 'memory'),
    reason: fc.constantFrom(...REASONS),
    message: fc.nat(30).map(String),
  }),
  { maxLength: 300 },
);

describe('Events', () => {
  it('count repetitions', () => {
    const { observe } = createCorrelator();
    for (let count = 1; count <= 100; count++) {
      const series = observe(created('again'), count);
      assert.deepEqual([series.count, series.first, series.last], [count, 1, count]);
    }
  });

  it('belong to one ConfigMap, not to a new one with the same name', () => {
    const { observe } = createCorrelator();
    observe(created('again'), 0);
    const anew = { ...created('again'), object: { ...object('disk'), uid: 'another' } };
    assert.equal(observe(anew, 1).count, 1);
  });

  it('are combined with similar ones from the tenth on, until ten quiet minutes have passed', () => {
    const { observe } = createCorrelator();
    const keys = (at: number): string[] =>
      Array.from({ length: 100 }, (_, i) => observe(created(`Job ${i}`), at).key);
    assert.equal(new Set(keys(0)).size, 10);
    assert.match(
      observe(created('Job 99'), 1).message,
      /^\(combined from similar events\): Job 99$/,
    );
    assert.equal(observe(created('Job 0'), 2).message, 'Job 0');
    assert.equal(observe(created('new'), 2 + 10 * MINUTE + 1).message, 'new');
  });

  it('lose no observation in their counts', () => {
    fc.assert(
      fc.property(OBSERVATIONS, (observations) => {
        const { observe, latest } = createCorrelator();
        const keys = new Set<string>();
        let now = 0;
        for (const { after, name, ...rest } of observations) {
          now += after;
          keys.add(observe({ object: object(name), ...rest }, now).key);
        }
        const counts = [...keys].map((key) => latest(key)?.count ?? 0);
        assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          observations.length,
        );
      }),
    );
  });

  it('are at most ten per ConfigMap and reason, as long as they do not pause', () => {
    const withoutPause = fc.array(fc.tuple(fc.nat(10 * MINUTE), fc.nat(30)), { maxLength: 300 });
    fc.assert(
      fc.property(withoutPause, (observations) => {
        const { observe } = createCorrelator();
        const keys = new Set<string>();
        let now = 0;
        for (const [after, message] of observations) {
          now += after;
          keys.add(observe(created(String(message)), now).key);
        }
        assert.ok(keys.size <= 10);
      }),
    );
  });

  it('cost at most 25 writes at once and one more every five minutes, per ConfigMap and type', () => {
    fc.assert(
      fc.property(OBSERVATIONS, (observations) => {
        const { observe, takeWrite } = createCorrelator();
        const written = new Map<string, number>();
        let now = 0;
        const admitted = observations.filter(({ after, name, ...rest }) => {
          now += after;
          return takeWrite(observe({ object: object(name), ...rest }, now), now);
        });
        for (const { name, reason } of admitted) {
          const key = `${name} ${EVENT_TYPES[reason]}`;
          written.set(key, (written.get(key) ?? 0) + 1);
        }
        for (const count of written.values()) assert.ok(count <= 25 + now / (5 * MINUTE));
      }),
    );
  });

  it('of type Warning are not delayed by those of type Normal', () => {
    const { observe, takeWrite } = createCorrelator();
    const write = (observation: Observation): boolean => takeWrite(observe(observation, 0), 0);
    const admitted = Array.from({ length: 30 }, () => write(created('again')));
    assert.equal(admitted.filter((one) => one).length, 25);
    assert.ok(write({ ...created('no Job'), reason: 'InvalidOperarius' }));
    assert.ok(write(created('another ConfigMap', 'memory')));
  });

  it('are remembered for so many, the oldest are forgotten', () => {
    const { observe, latest } = createCorrelator(3);
    const [first, ...others] = ['a', 'b', 'c', 'd'].map((name) => observe(created('m', name), 0));
    assert.equal(latest(first?.key ?? ''), undefined);
    assert.deepEqual(
      others.map(({ key }) => latest(key)?.count),
      [1, 1, 1],
    );
    assert.equal(observe(created('m', 'a'), 1).count, 1);
  });
});
