import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { State } from '@openfero/core/history/state';
import { FAILURES, OUTCOMES } from '@openfero/core/outcome';
import { signOf, whyOf } from '../../src/pages/signs.ts';

const NOW = Date.UTC(2026, 10, 22, 4);

const ended = OUTCOMES.filter((outcome) => outcome !== 'created');
const STATES: readonly State[] = [
  { kind: 'waiting' },
  { kind: 'active' },
  { kind: 'held', reason: 'max-active', until: NOW },
  { kind: 'retrying', error: 'the API server did not answer', next: NOW },
  ...ended.map((outcome): State => ({ kind: 'ended', outcome, reason: 'because' })),
  ...FAILURES.map((outcome): State => ({ kind: 'failed', outcome, reason: 'because' })),
  { kind: 'removed', user: 'ann', at: NOW },
  { kind: 'no-word' },
  { kind: 'job-created' },
  { kind: 'job-running' },
  { kind: 'job-cannot-start', reason: 'exceeded quota' },
  { kind: 'job-succeeded', duration: 1 },
  { kind: 'job-failed', duration: 1, reason: 'BackoffLimitExceeded' },
  { kind: 'job-deleted' },
  { kind: 'job-no-word' },
];

suite('the sign of a state', () => {
  test('is green only for a Job that succeeded', () => {
    const green = STATES.filter((state) => signOf(state).tone === 'good').map(({ kind }) => kind);
    assert.deepEqual(green, ['job-succeeded']);
  });

  test('of all that failed is red', () => {
    const red = STATES.filter((state) => signOf(state).tone === 'bad').map((state) =>
      state.kind === 'failed' ? state.outcome : state.kind,
    );
    assert.deepEqual(red, [...FAILURES, 'job-cannot-start', 'job-failed']);
  });

  test('is a word of its own: no colour is needed', () => {
    const words = STATES.map((state) => signOf(state).word);
    assert.equal(new Set(words).size, words.length, words.join());
  });

  test('has one shape for good and others for bad', () => {
    const shapes = (tone: string): Set<string> =>
      new Set(
        STATES.map(signOf)
          .filter((sign) => sign.tone === tone)
          .map(({ shape }) => shape),
      );
    assert.ok([...shapes('good')].every((shape) => !shapes('bad').has(shape)));
  });
});

suite('why, in words', () => {
  const cases: [state: State, why: string | RegExp][] = [
    [{ kind: 'held', reason: 'max-active', until: NOW }, /max-active allows; next look 04:00:00Z$/],
    [{ kind: 'held', reason: 'new-reason', until: NOW }, /^new-reason; next look/],
    [{ kind: 'retrying', error: '503', next: NOW }, '503; next try 04:00:00Z'],
    [{ kind: 'job-failed', duration: 1, reason: 'DeadlineExceeded' }, /longer than its deadline/],
    [{ kind: 'job-failed', duration: 1, reason: 'Another' }, 'Another'],
    [{ kind: 'ended', outcome: 'off', reason: 'the mode is off' }, 'the mode is off'],
    [{ kind: 'job-succeeded', duration: 1 }, ''],
  ];
  for (const [state, why] of cases) {
    test(`of ${JSON.stringify(state)}`, () => {
      const told = whyOf(state, NOW);
      if (typeof why === 'string') assert.equal(told, why);
      else assert.match(told, why);
    });
  }
});
