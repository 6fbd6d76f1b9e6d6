import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ActEntry, EffectEntry, EndEntry, Entry } from '../../src/history/entry.ts';
import { Fold } from '../../src/history/fold.ts';
import type { Row } from '../../src/history/row.ts';
import { helpedOf, jobStateOf, type Live, type State, stateOf } from '../../src/history/state.ts';
import { instantOf } from '../../src/instant.ts';
import { FAILURES, OUTCOMES } from '../../src/outcome.ts';
import { effect, end, fate, held, MINUTE, NIGHT } from './entries.ts';

/** The first row of these entries, in order. */
function row(...all: readonly Entry[]): Row {
  const fold = new Fold();
  for (const [index, entry] of all.entries()) fold.add(`${NIGHT + index}-0`, entry);
  fold.settle();
  for (const one of fold.rows()) return one;
  return assert.fail('no row');
}

function state(all: readonly Entry[], live: Live = {}, now = NIGHT + 10 * MINUTE): State {
  return stateOf(row(...all).firing ?? assert.fail(), live, now);
}

function act(act: ActEntry['act']): ActEntry {
  return { kind: 'act', act, id: 'one', user: 'anna', address: '127.0.0.1', at: NIGHT + MINUTE };
}

const DAY = 24 * 60 * MINUTE;

describe('the state of a remediation', () => {
  test('is what the queue says, while it is there', () => {
    const queued = [
      { kind: 'waiting' },
      { kind: 'active' },
      { kind: 'held', reason: 'max-active', until: NIGHT },
      { kind: 'retrying', error: 'exceeded quota', next: NIGHT },
    ] as const;
    for (const queue of queued) {
      assert.deepEqual(state([held()], { queue }), queue);
      assert.deepEqual(state([end({ outcome: 'rejected' }), act('retry')], { queue }), queue);
    }
  });

  test('is held with its reason and until when, as the history says', () => {
    const expected = { kind: 'held', reason: 'cooldown', until: NIGHT + 10 * MINUTE };
    assert.deepEqual(state([held()]), expected);
    assert.deepEqual(state([end({ outcome: 'expired' }), held()]), expected);
  });

  test('is no word where it is neither in the queue nor ended', () => {
    assert.deepEqual(state([held()], { queue: { kind: 'gone' } }), { kind: 'no-word' });
  });

  for (const outcome of OUTCOMES.filter((one) => one !== 'created')) {
    test(`is ${outcome} with its reason`, () => {
      const reason = 'because';
      const expected = { kind: 'ended', outcome, reason };
      assert.deepEqual(state([end({ outcome, reason })], { queue: { kind: 'gone' } }), expected);
    });
  }

  for (const outcome of FAILURES) {
    test(`is ${outcome}, a failure, with its reason`, () => {
      const expected = { kind: 'failed', outcome, reason: 'because' };
      assert.deepEqual(state([held(), end({ outcome, reason: 'because' })]), expected);
    });
  }

  test('is removed by a person, and by whom, unless it ended after that', () => {
    const rejected = end({ outcome: 'rejected' });
    const removed = { kind: 'removed', user: 'anna', at: NIGHT + MINUTE };
    assert.deepEqual(state([rejected, act('remove')]), removed);
    assert.deepEqual(state([held(), act('remove')]), removed);
    assert.equal(state([act('remove'), rejected]).kind, 'failed');
    assert.equal(state([rejected, act('retry')]).kind, 'failed', 'a retry says nothing of its end');
  });
});

describe('the state of a Job', () => {
  test('is created: nothing is said of an end that nobody asked for', () => {
    assert.deepEqual(state([end()]), { kind: 'job-created' });
  });

  test('is running while it has a place, and cannot start while its pods cannot be created', () => {
    assert.deepEqual(state([end()], { job: 'unfinished' }), { kind: 'job-running' });
    const reason = 'serviceaccount "x" not found';
    assert.deepEqual(state([end()], { job: 'unfinished', cannotStart: reason }), {
      ...{ kind: 'job-cannot-start', reason },
    });
  });

  test('is succeeded, failed with the reason, or deleted, whatever else is said', () => {
    const duration = MINUTE - 2_000;
    const reason = 'BackoffLimitExceeded';
    const live = { job: 'unfinished', cannotStart: 'quota' } as const;
    assert.deepEqual(state([end(), fate()], live), { kind: 'job-succeeded', duration });
    const failed = fate({ fate: 'failed', reason });
    assert.deepEqual(state([failed, end()], live), { kind: 'job-failed', duration, reason });
    assert.deepEqual(state([end(), fate({ fate: 'deleted' })]), { kind: 'job-deleted' });
  });

  test('is no word once it has ended and nobody told how, or nobody can any more', () => {
    const finished = { job: 'finished' } as const;
    assert.equal(state([end()], finished, NIGHT + 30_000).kind, 'job-created');
    assert.equal(state([end()], finished).kind, 'job-no-word');
    assert.equal(state([end()], {}, NIGHT + 7 * DAY).kind, 'job-created');
    assert.equal(state([end()], {}, NIGHT + 9 * DAY).kind, 'job-no-word');
  });

  test('of an alert that another Job covers is that Job’s, and the alert is deduplicated', () => {
    const other = end({ id: 'two', fingerprint: 'f2', outcome: 'deduplicated', job: 'job-1' });
    const { firing = assert.fail() } = row(end(), fate({ fate: 'failed' }), other);
    assert.equal(stateOf(firing, {}, NIGHT).kind, 'ended');
    assert.equal(jobStateOf(firing, {}, NIGHT)?.kind, 'job-failed');
  });

  test('is nothing where there is no Job', () => {
    const { firing = assert.fail() } = row(end({ outcome: 'off' }));
    assert.equal(jobStateOf(firing, {}, NIGHT), undefined);
  });
});

describe('whether it helped', () => {
  const resolved = end({
    ...{ id: 'two', status: 'resolved', outcome: 'no-operarius', receivedAt: NIGHT + 9 * MINUTE },
    endsAt: instantOf(NIGHT + 4 * MINUTE),
  });
  const again = (minutes: number): Entry =>
    end({
      id: 'three',
      outcome: 'deduplicated',
      job: 'job-1',
      receivedAt: NIGHT + minutes * MINUTE,
    });

  test('is resolved, so long after the Job, by the alert’s own end', () => {
    assert.deepEqual(helpedOf(row(end(), fate(), resolved)), {
      kind: 'resolved',
      after: 3 * MINUTE,
    });
    const { endsAt: _unknown, ...without } = resolved;
    assert.deepEqual(helpedOf(row(end(), fate(), without)), {
      kind: 'resolved',
      after: 8 * MINUTE,
    });
  });

  test('is resolved without a time where nobody saw the Job’s end', () => {
    assert.deepEqual(helpedOf(row(end(), resolved)), { kind: 'resolved', after: undefined });
  });

  test('is still firing where it was seen again after the Job’s end, and only then', () => {
    assert.deepEqual(helpedOf(row(end(), fate(), again(5))), {
      ...{ kind: 'still-firing', at: NIGHT + 5 * MINUTE },
    });
    assert.deepEqual(helpedOf(row(end(), fate(), again(0.5))), { kind: 'no-word' });
  });

  test('is as it was judged, unless the alert resolved after that', () => {
    const judged = (how: EffectEntry['effect'], ...more: readonly Entry[]): unknown =>
      helpedOf(row(end(), fate(), effect({ effect: how }), ...more));
    assert.deepEqual(judged('resolved'), { kind: 'resolved', after: undefined });
    assert.deepEqual(judged('firing'), { kind: 'still-firing', at: NIGHT + 16 * MINUTE });
    assert.deepEqual(judged('unknown'), { kind: 'no-word' });
    const resolvedAt = (minutes: number): EndEntry =>
      end({
        ...{ id: 'two', status: 'resolved', outcome: 'no-operarius', operarius: '' },
        ...{ endsAt: instantOf(NIGHT + minutes * MINUTE), receivedAt: NIGHT + minutes * MINUTE },
      });
    assert.deepEqual(judged('firing', resolvedAt(5)), {
      ...{ kind: 'still-firing', at: NIGHT + 16 * MINUTE },
    });
    assert.deepEqual(judged('firing', resolvedAt(31)), { kind: 'resolved', after: 30 * MINUTE });
  });

  test('is still firing where it fires again after it had resolved', () => {
    assert.equal(helpedOf(row(end(), fate(), resolved, again(10)))?.kind, 'still-firing');
    assert.equal(helpedOf(row(end(), fate(), again(8), resolved))?.kind, 'resolved');
  });

  test('is no word where nothing was heard, and nothing where there is no Job or no end', () => {
    assert.deepEqual(helpedOf(row(end(), fate())), { kind: 'no-word' });
    assert.equal(helpedOf(row(end())), undefined);
    assert.equal(helpedOf(row(end({ outcome: 'off' }))), undefined);
  });
});
