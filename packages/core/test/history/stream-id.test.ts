import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareIds, isStreamId } from '../../src/history/stream-id.ts';

test('property: ids are ordered as Redis does, by two numbers', () => {
  const number = fc.oneof(fc.constantFrom(0n, 9n, 10n, 99n, 100n), fc.bigInt(0n, 2n ** 64n - 1n));
  const id = fc.tuple(number, number);
  fc.assert(
    fc.property(id, id, (a, b) => {
      const [ms, sequence] = [a[0] - b[0], a[1] - b[1]];
      const expected = ms === 0n ? sequence : ms;
      const order = compareIds(a.join('-'), b.join('-'));
      assert.equal(Math.sign(order), expected === 0n ? 0 : expected < 0n ? -1 : 1);
      assert.ok(isStreamId(a.join('-')));
    }),
    { numRuns: 1_000 },
  );
});

test('what is no id of a stream is none', () => {
  for (const text of ['', '-', '1', '1-', '-1', '01-1', '1-01', '1-1-1', '1-1\n', '+', 'a-b']) {
    assert.equal(isStreamId(text), false, text);
  }
});
