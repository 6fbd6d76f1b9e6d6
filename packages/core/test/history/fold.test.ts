import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Entry } from '../../src/history/entry.ts';
import { Fold } from '../../src/history/fold.ts';
import { isHeld, keyOf, type Row } from '../../src/history/row.ts';
import { compareIds } from '../../src/history/stream-id.ts';
import { instantOf } from '../../src/instant.ts';
import {
  asked,
  decided,
  effect,
  end,
  entries,
  fate,
  held,
  MINUTE,
  NIGHT,
  subject,
} from './entries.ts';

function folded(...all: readonly Entry[]): Fold {
  const fold = new Fold();
  for (const [index, entry] of all.entries()) fold.add(`${NIGHT + index}-0`, entry);
  fold.settle();
  return fold;
}

function only(fold: Fold): Row {
  const rows = [...fold.rows()];
  assert.equal(rows.length, 1);
  return rows[0] ?? assert.fail();
}

describe('an occurrence', () => {
  test('is one row from its firing to its resolved remediation', () => {
    const endsAt = instantOf(NIGHT + 3 * MINUTE);
    const resolved = {
      id: 'two',
      status: 'resolved',
      outcome: 'no-operarius',
      operarius: '',
    } as const;
    const row = only(
      folded(end(), fate(), end({ ...resolved, endsAt, receivedAt: NIGHT + 4 * MINUTE })),
    );
    assert.equal(row.alertname, 'DiskFull');
    assert.deepEqual(row.labels, { alertname: 'DiskFull', namespace: 'shop' });
    assert.equal(row.firing?.end?.outcome, 'created');
    assert.equal(row.firing?.job?.name, 'job-1');
    assert.equal(row.firing?.job?.fate?.fate, 'succeeded');
    assert.equal(row.resolved?.end?.outcome, 'no-operarius');
    assert.deepEqual(row.heard, { status: 'resolved', at: NIGHT + 3 * MINUTE });
    assert.equal(row.since, NIGHT + 1_000);
    assert.equal(row.cursor, `${NIGHT + 2}-0`);
  });

  test('has each Job that was created for it, also where its row shows a later one', () => {
    const fold = folded(
      end(),
      fate({ fate: 'failed' }),
      end({ id: 'two', job: 'job-2' }),
      fate({ id: 'two', job: 'job-2', uid: 'u2' }),
      end({ id: 'three', outcome: 'off' }),
    );
    assert.equal(only(fold).firing?.id, 'two');
    const created = [...fold.created()];
    assert.deepEqual(
      created.map(({ job }) => job?.fate?.fate),
      ['failed', 'succeeded'],
    );
    assert.deepEqual(new Set(created.map(({ row }) => row)), new Set([only(fold)]));
  });

  test('has whether its Job helped, whichever is told first, and as long as the stream has it', () => {
    const told = { effect: 'firing', at: NIGHT + 16 * MINUTE } as const;
    for (const all of [
      [end(), fate(), effect(told)],
      [effect(told), end(), fate()],
    ]) {
      const fold = folded(...all);
      const { job } = only(fold).firing ?? {};
      assert.equal(job?.effect?.effect, 'firing');
      assert.equal(job?.fate?.fate, 'succeeded');
    }
    const fold = folded(effect(told), end(), fate());
    fold.trim(`${NIGHT + 1}-0`);
    fold.settle();
    assert.equal(only(fold).firing?.job?.effect, undefined);
    assert.equal(only(fold).firing?.job?.fate?.fate, 'succeeded');
  });

  test('has what people were asked about its Job and how they decided, as long as the stream has it', () => {
    for (const all of [
      [end(), asked(), decided(), fate()],
      [decided(), fate(), asked(), end()],
    ]) {
      const { job } = only(folded(...all)).firing ?? {};
      assert.equal(job?.asked?.until, NIGHT + 60 * MINUTE);
      const { decision, by, how } = job?.decided ?? {};
      assert.deepEqual([decision, by, how], ['approved', 'ada', 'dashboard']);
    }
    const fold = folded(asked(), end(), decided({ decision: 'denied' }));
    assert.equal(fold.entriesOf(keyOf(subject())).length, 3, 'its story is read from all of them');
    fold.trim(`${NIGHT + 1}-0`);
    fold.settle();
    assert.equal(only(fold).firing?.job?.asked, undefined);
    assert.equal(only(fold).firing?.job?.decided?.decision, 'denied');
  });

  test('that fires again later is another row, the newest first', () => {
    const later = { id: 'two', startsAt: instantOf(NIGHT + MINUTE), outcome: 'off' } as const;
    const rows = [...folded(end(), end(later)).rows()];
    assert.deepEqual(
      rows.map(({ startsAt }) => startsAt),
      [later.startsAt, subject().startsAt],
    );
  });

  test('keeps its Job through the repetitions of Alertmanager', () => {
    const again = end({
      id: 'two',
      outcome: 'deduplicated',
      job: 'job-1',
      receivedAt: NIGHT + MINUTE,
    });
    const row = only(folded(end(), fate({ fate: 'failed' }), again));
    assert.equal(row.firing?.id, 'one');
    assert.equal(row.firing?.job?.fate?.fate, 'failed');
    assert.deepEqual(row.heard, { status: 'firing', at: NIGHT + MINUTE });
  });

  test('shows the last end of a remediation that a person has retried', () => {
    const act = {
      kind: 'act',
      act: 'retry',
      id: 'one',
      user: 'anna',
      address: '::1',
      at: NIGHT,
    } as const;
    const row = only(folded(end({ outcome: 'rejected' }), act, end()));
    assert.equal(row.firing?.end?.outcome, 'created');
    assert.equal(row.firing?.act?.user, 'anna');
  });

  test('is held until it ends, and again after a retry', () => {
    assert.equal(only(folded(held())).firing?.held?.reason, 'cooldown');
    const isHeldAfter = (...all: Entry[]): boolean => {
      const { firing } = only(folded(...all));
      return firing !== undefined && isHeld(firing);
    };
    assert.equal(isHeldAfter(held()), true);
    assert.equal(isHeldAfter(held(), end()), false);
    assert.equal(isHeldAfter(end({ outcome: 'expired' }), held()), true);
    const remove = { kind: 'act', act: 'remove', id: 'one', user: '', address: '', at: 1 } as const;
    assert.equal(isHeldAfter(held(), remove), false);
  });

  test('that shares the Job of another knows how the Job ended, but its place in the list is its own', () => {
    const other = end({ id: 'two', fingerprint: 'f2', outcome: 'deduplicated', job: 'job-1' });
    const fold = folded(end(), other, fate());
    const rows = [...fold.rows()];
    assert.deepEqual(
      rows.map(({ fingerprint }) => fingerprint),
      ['f1', 'f2'],
    );
    for (const row of rows) assert.equal(row.firing?.job?.fate?.fate, 'succeeded');
    assert.equal(new Set(rows.map(({ cursor }) => cursor)).size, 2);
  });

  test('whose payload could not be read is a row of its own, found by the remediation', () => {
    const nobody = { fingerprint: '', alertname: '', outcome: 'unreadable' } as const;
    const fold = folded(end({ ...nobody, id: 'x' }), end({ ...nobody, id: 'y' }));
    assert.equal(fold.size, 2);
    assert.equal(fold.rowOfRemediation('x')?.firing?.end?.outcome, 'unreadable');
  });

  test('names all of its entries, replaced ones too, for its story', () => {
    const fold = folded(
      held(),
      held({ reason: 'max-active' }),
      end(),
      end({ id: 'x', fingerprint: 'f2' }),
      fate(),
    );
    const ids = [0, 1, 2, 4].map((index) => `${NIGHT + index}-0`);
    assert.deepEqual(fold.entriesOf(keyOf(subject())), ids);
  });
});

test('a fate without an end is no row, also where its end was trimmed', () => {
  const fold = folded(fate());
  assert.equal(fold.size, 0);
  const trimmed = folded(end(), fate());
  trimmed.trim(`${NIGHT + 1}-0`);
  trimmed.settle();
  assert.equal(trimmed.size, 0);
});

test('settling tells what is new or changed, and nothing twice', () => {
  const fold = new Fold();
  fold.add('1-0', end());
  assert.deepEqual(
    fold.settle().map(({ fingerprint }) => fingerprint),
    ['f1'],
  );
  assert.deepEqual(fold.settle(), []);
  fold.add('2-0', fate());
  assert.deepEqual(
    fold.settle().map(({ firing }) => firing?.job?.fate?.fate),
    ['succeeded'],
  );
  fold.add('2-0', fate());
  assert.deepEqual(fold.settle(), []);
});

test('the fate of a Job that a retry has left behind changes nothing', () => {
  const fold = folded(end({ job: 'left' }), end({ job: 'job-2' }));
  fold.add(`${NIGHT + 9}-0`, fate({ job: 'left' }));
  assert.deepEqual(fold.settle(), []);
});

interface Recorded {
  readonly id: string;
  readonly entry: Entry;
}

/** @param settleAt after this one too */
function read(fold: Fold, recorded: readonly Recorded[], settleAt?: number): void {
  for (const [index, { id, entry }] of recorded.entries()) {
    fold.add(id, entry);
    if (index === settleAt) fold.settle();
  }
  fold.settle();
}

/** Everything that a fold tells. */
function told(fold: Fold): unknown {
  const rows = [...fold.rows()];
  return {
    rows,
    modes: fold.changes.modes,
    stops: fold.changes.stops,
    definitions: ['op-0', 'op-1'].map((name) => fold.changes.definitionsOf(name)),
    entries: ['f0', 'f1', 'f2'].flatMap((fingerprint) =>
      [0, 1, 2].map((ms) =>
        fold.entriesOf(keyOf({ fingerprint, startsAt: instantOf(NIGHT + ms), id: '' })),
      ),
    ),
    size: fold.size,
  };
}

test('property: any order, doubles and trims give the same rows', () => {
  const history = fc
    .array(entries, { maxLength: 30 })
    .map((all) =>
      all.map((entry, index) => ({ id: `${NIGHT + Math.floor(index / 12)}-${index % 12}`, entry })),
    );
  const disorder = history.chain((all) =>
    fc.record({
      all: fc.constant(all),
      early: fc.shuffledSubarray(all),
      // Each at least once, in any order.
      late: fc
        .tuple(fc.shuffledSubarray(all), fc.shuffledSubarray(all, { minLength: all.length }))
        .map(([some, every]) => [...some, ...every]),
      trimAt: fc.nat({ max: all.length }),
      settleAt: fc.nat({ max: 40 }),
    }),
  );
  fc.assert(
    fc.property(disorder, ({ all, early, late, trimAt, settleAt }) => {
      const oldest = all[trimAt]?.id ?? `${NIGHT + 100}-0`;
      // What the stream has trimmed is read no more.
      const isLeft = ({ id }: Recorded): boolean => compareIds(id, oldest) >= 0;
      const expected = new Fold();
      read(expected, all.filter(isLeft));
      const fold = new Fold();
      read(fold, early, settleAt);
      fold.trim(oldest);
      read(fold, late.filter(isLeft), settleAt);
      assert.deepEqual(told(fold), told(expected));
      const cursors = [...fold.rows()].map(({ cursor }) => cursor);
      assert.deepEqual(
        cursors,
        [...new Set(cursors)].sort((a, b) => compareIds(b, a)),
      );
      assert.deepEqual(
        Array.from(fold.rows(oldest), ({ cursor }) => cursor),
        cursors.filter((cursor) => compareIds(cursor, oldest) >= 0),
      );
      const some = cursors[cursors.length >> 1] ?? '';
      assert.deepEqual(
        Array.from(fold.rows(some), ({ cursor }) => cursor),
        cursors.slice(0, (cursors.length >> 1) + 1),
      );
    }),
    { numRuns: 1_000 },
  );
});
