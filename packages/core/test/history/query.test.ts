import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Entry } from '../../src/history/entry.ts';
import { CHIPS, FATE_FILTERS, type Filter, NO_FILTER } from '../../src/history/filter.ts';
import { readFilter, writeFilter } from '../../src/history/filter-url.ts';
import { Fold } from '../../src/history/fold.ts';
import { createPredicate } from '../../src/history/predicate.ts';
import { type Answer, query } from '../../src/history/query.ts';
import { InvalidMatchers } from '../../src/matchers/matchers.ts';
import { ENDS } from '../../src/outcome.ts';
import { hostileText } from '../remediations.ts';
import { end, entries, fate, held, MINUTE, NIGHT } from './entries.ts';

const NOW = NIGHT + 60 * MINUTE;
const DAY = 24 * 60 * MINUTE;

/** Each entry a minute later than the one before. */
function fold(...all: readonly Entry[]): Fold {
  const folded = new Fold();
  for (const [index, entry] of all.entries()) folded.add(`${NIGHT + index * MINUTE}-0`, entry);
  folded.settle();
  return folded;
}

function ask(folded: Fold, filter: Partial<Filter>, after?: string, limit = 50): Answer {
  return query(folded, { filter: { ...NO_FILTER, ...filter }, after, limit, now: NOW });
}

const UUID = '0d8f5f6e-6f0a-4a53-9d5f-1c2b3a4d5e6f';

/** The remediations that a list shows. */
const shown = (folded: Fold, filter: Partial<Filter>): (string | undefined)[] =>
  ask(folded, filter).rows.map(({ firing, resolved }) => (firing ?? resolved)?.id);

const NIGHT_SHIFT = fold(
  end({
    id: 'failed',
    fingerprint: 'f1',
    job: 'disk-full-1',
    labels: { alertname: 'DiskFull', namespace: 'Shop' },
  }),
  fate({ id: 'failed', fingerprint: 'f1', job: 'disk-full-1', fate: 'failed' }),
  end({
    id: 'running',
    fingerprint: 'f2',
    job: 'job-2',
    labels: { alertname: 'Slow', zone: 'dmz' },
  }),
  end({ id: 'expired', fingerprint: 'f3', outcome: 'expired', operarius: 'op-3' }),
  end({ id: 'rejected', fingerprint: 'f4', outcome: 'rejected' }),
  held({ id: 'held', fingerprint: 'f5' }),
  end({ id: 'nobody', fingerprint: 'f6', outcome: 'no-operarius', operarius: '' }),
  end({ id: 'unmatched', fingerprint: 'f7', outcome: 'not-matched' }),
  end({
    id: 'failed-resolved',
    labels: { alertname: 'DiskFull', namespace: 'Shop' },
    fingerprint: 'f1',
    status: 'resolved',
    outcome: 'no-operarius',
    operarius: '',
  }),
);
const ALL = ['failed', 'held', 'rejected', 'expired', 'running'];

describe('the list', () => {
  test('shows the newest first, without what nobody wanted, and says how many are hidden', () => {
    assert.deepEqual(shown(NIGHT_SHIFT, {}), ALL);
    const { hidden, total } = ask(NIGHT_SHIFT, {});
    assert.deepEqual({ hidden, total }, { hidden: 2, total: 5 });
    assert.deepEqual(shown(NIGHT_SHIFT, { all: true }), [
      'failed',
      'unmatched',
      'nobody',
      ...ALL.slice(1),
    ]);
    assert.equal(ask(NIGHT_SHIFT, { all: true }).hidden, 0);
  });

  test('counts what a person should look at, whichever of these is chosen', () => {
    const chips = { 'job-failed': 1, failed: 1, expired: 1, held: 1 };
    assert.deepEqual(ask(NIGHT_SHIFT, {}).chips, chips);
    for (const [only, id] of [
      ['job-failed', 'failed'],
      ['failed', 'rejected'],
      ['expired', 'expired'],
      ['held', 'held'],
    ] as const) {
      assert.deepEqual(shown(NIGHT_SHIFT, { only }), [id]);
      assert.deepEqual(ask(NIGHT_SHIFT, { only }).chips, chips);
      const { total, hidden } = ask(NIGHT_SHIFT, { only });
      assert.deepEqual({ total, hidden }, { total: 1, hidden: 0 });
    }
    assert.equal(ask(NIGHT_SHIFT, { match: 'zone=dmz' }).chips.held, 0);
  });

  test('takes Alertmanager’s matchers', () => {
    assert.deepEqual(shown(NIGHT_SHIFT, { match: '{alertname="DiskFull",namespace=~"Sh.*"}' }), [
      'failed',
    ]);
    assert.deepEqual(shown(NIGHT_SHIFT, { match: 'zone!=""' }), ['running']);
    assert.throws(() => ask(NIGHT_SHIFT, { match: '{' }), InvalidMatchers);
  });

  test('searches labels, the Job and ids, in any case, by each of several words', () => {
    assert.deepEqual(shown(NIGHT_SHIFT, { text: 'shop' }).includes('failed'), true);
    assert.deepEqual(shown(NIGHT_SHIFT, { text: ' DMZ  slow ' }), ['running']);
    assert.deepEqual(shown(NIGHT_SHIFT, { text: 'slow shop' }), []);
    assert.deepEqual(shown(NIGHT_SHIFT, { text: 'disk-full-1' }), ['failed']);
    assert.deepEqual(shown(NIGHT_SHIFT, { text: 'f5' }), ['held']);
    assert.deepEqual(
      shown(fold(end({ id: UUID }), end({ fingerprint: 'another' })), { text: UUID }),
      [UUID],
    );
    assert.deepEqual(shown(NIGHT_SHIFT, { text: '.*' }), []);
  });

  test('shows some outcomes, operarii or fates', () => {
    assert.deepEqual(shown(NIGHT_SHIFT, { outcomes: ['expired', 'rejected'] }), [
      'rejected',
      'expired',
    ]);
    assert.deepEqual(shown(NIGHT_SHIFT, { operarii: ['op-3'] }), ['expired']);
    assert.deepEqual(shown(NIGHT_SHIFT, { fates: ['failed'] }), ['failed']);
    assert.deepEqual(shown(NIGHT_SHIFT, { fates: ['none', 'succeeded'] }), ['running']);
  });

  test('shows what nobody wanted to who asks for it, but not by the resolution of what ran', () => {
    assert.deepEqual(shown(NIGHT_SHIFT, { outcomes: ['no-operarius'] }), ['nobody']);
  });

  test('covers the last 24 hours, or the time that is asked for', () => {
    const old = fold(end());
    const at = (now: number, filter: Partial<Filter> = {}): number =>
      query(old, { filter: { ...NO_FILTER, ...filter }, after: undefined, limit: 1, now }).total;
    assert.equal(at(NIGHT + DAY), 1);
    assert.equal(at(NIGHT + DAY + 1), 0);
    assert.equal(at(NIGHT + 2 * DAY, { last: 3 * DAY }), 1);
    assert.equal(at(NIGHT + 2 * DAY, { from: NIGHT }), 1);
    assert.equal(at(NIGHT + 9 * DAY, { to: NIGHT + DAY }), 1, 'a day before its end');
    assert.equal(at(NIGHT, { to: NIGHT }), 0, 'received a second after that');
  });

  test('finds at 3 o’clock what happened from 3 to 5', () => {
    const resolved = end({ id: 'two', status: 'resolved', receivedAt: NIGHT + 120 * MINUTE });
    const folded = fold(end(), ...Array(120).fill(held({ id: 'x', fingerprint: 'x' })), resolved);
    const around = { from: NIGHT - MINUTE, to: NIGHT + MINUTE };
    assert.deepEqual(shown(folded, around).includes('one'), true);
  });
});

/** The rows of all pages. */
function walk(folded: Fold, filter: Partial<Filter>, limit: number): string[] {
  const cursors: string[] = [];
  for (let after: string | undefined; ; ) {
    const { rows, next } = ask(folded, { last: 365 * DAY, ...filter }, after, limit);
    assert.ok(rows.length <= limit);
    cursors.push(...rows.map(({ cursor }) => cursor));
    if (next === undefined) return cursors;
    after = next;
  }
}

const filters: fc.Arbitrary<Filter> = fc.record({
  match: fc.constantFrom('', 'l="1"', '{alertname=~"A.*",l!="0"}'),
  text: hostileText.filter((text) => text !== ''),
  outcomes: fc.subarray([...ENDS]).map((some) => some.sort()),
  operarii: fc.uniqueArray(hostileText.filter((text) => text !== '')).map((some) => some.sort()),
  fates: fc.subarray([...FATE_FILTERS]).map((some) => some.sort()),
  only: fc.option(fc.constantFrom(...CHIPS), { nil: undefined }),
  from: fc.option(fc.integer({ min: 0, max: 253402300799999 }), { nil: undefined }),
  to: fc.option(fc.integer({ min: 0, max: 253402300799999 }), { nil: undefined }),
  last: fc.option(fc.nat(), { nil: undefined }),
  all: fc.boolean(),
});

test('property: the pages together are the list, each row once, and as many as it says', () => {
  const content = filters.map(({ match, outcomes, fates, only, all }) => {
    return { ...NO_FILTER, match, only, all, outcomes: outcomes.slice(5), fates: fates.slice(2) };
  });
  const some = fc.array(entries, { maxLength: 40 });
  fc.assert(
    fc.property(some, content, fc.integer({ min: 1, max: 5 }), (all, filter, limit) => {
      const folded = fold(...all);
      const shows = createPredicate({ ...filter, last: 365 * DAY }, NOW);
      const expected = [...folded.rows()].filter(shows).map(({ cursor }) => cursor);
      assert.deepEqual(walk(folded, filter, limit), expected);
      const { total, hidden, chips } = ask(folded, { ...filter, last: 365 * DAY });
      assert.equal(total, expected.length);
      const one = { ...filter, last: 365 * DAY };
      for (const only of CHIPS) assert.equal(chips[only], ask(folded, { ...one, only }).total);
      if (filter.only === undefined) {
        assert.equal(total + hidden, ask(folded, { ...one, all: true }).total);
      }
    }),
    { numRuns: 100 },
  );
});

describe('the URL', () => {
  test('property: is the whole filter', () => {
    const cursor = fc.option(fc.constant(`${NIGHT}-7`), { nil: undefined });
    fc.assert(
      fc.property(filters, cursor, (filter, after) => {
        // A URL holds no half of a character.
        const text = filter.text.toWellFormed();
        const operarii = [...new Set(filter.operarii.map((one) => one.toWellFormed()))].sort();
        const whole = { ...filter, text, operarii };
        const url = writeFilter({ filter: whole, after }).toString();
        assert.deepEqual(readFilter(new URLSearchParams(url)), {
          filter: whole,
          after,
          problems: [],
        });
      }),
      { numRuns: 500 },
    );
  });

  test('property: whatever it holds, it is read, and written in one spelling', () => {
    const names = 'match q outcome operarius fate only from to last all after'.split(' ');
    const pair = fc.tuple(
      fc.constantFrom(...names),
      fc.oneof(
        hostileText,
        fc.constantFrom('1', '1h', '2026-11-22T03:00', 'expired', 'none', '5-0'),
      ),
    );
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 12 }), (pairs) => {
        const read = readFilter(new URLSearchParams(pairs));
        const written = writeFilter(read);
        const { filter, after } = readFilter(written);
        assert.deepEqual({ filter, after }, { filter: read.filter, after: read.after });
        assert.equal(writeFilter({ filter, after }).toString(), written.toString());
      }),
    );
  });

  test('is empty for the usual list', () => {
    assert.equal(writeFilter({ filter: NO_FILTER, after: undefined }).toString(), '');
    const form = 'match=&q=&outcome=&fate=&from=&to=&after=';
    const empty = { filter: NO_FILTER, after: undefined, problems: [] };
    assert.deepEqual(readFilter(new URLSearchParams(form)), empty);
  });

  test('takes times as people and browsers write them', () => {
    const from = (text: string): number | undefined =>
      readFilter(new URLSearchParams({ from: text })).filter.from;
    for (const text of ['2026-11-22T03:00', '2026-11-22T03:00:00', '2026-11-22T03:00:00Z']) {
      assert.equal(from(text), NIGHT, text);
    }
    assert.equal(from('2026-11-22T04:00:00+01:00'), NIGHT);
    assert.equal(from('2026-11-22T03:00:00.123456789Z'), NIGHT + 123);
  });

  test('says in a line what it cannot read, and reads the rest', () => {
    const wrong = [
      ['match', '{a', /^match: expected one of = != =~ !~ at character 3, found the end$/],
      ['outcome', 'done', /^outcome: "done" is not one of created, deduplicated,/],
      [
        'fate',
        'x',
        /^fate: "x" is not one of succeeded, failed, deleted, denied, lapsed, withdrawn, none$/,
      ],
      ['only', 'x', /^only: "x" is not one of job-failed,/],
      ['from', 'yesterday', /^from: "yesterday" is not a time such as 2026-11-22T03:00:00Z$/],
      ['to', '2026-02-30T00:00', /^to: "2026-02-30T00:00" is not a time/],
      ['last', 'x', /^last: "x" is not a duration such as 90s or 1h30m$/],
      ['after', '1', /^after: "1" is not the cursor of a row$/],
      ['q', 'x'.repeat(9_000), /^q: "x{100}" is not a text of at most 8192 characters$/],
    ] as const;
    for (const [name, value, problem] of wrong) {
      const url = new URLSearchParams({ [name]: value, operarius: 'op' });
      const { filter, problems } = readFilter(url);
      assert.equal(problems.length, 1, name);
      assert.match(problems[0] ?? '', problem);
      assert.deepEqual(filter.operarii, ['op']);
    }
  });
});
