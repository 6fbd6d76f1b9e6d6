import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatInstant, instantOf, NEVER, parseInstant } from '../src/instant.ts';

test('a time is read to the nanosecond, in UTC', () => {
  const same = '2021-10-25T12:01:24.295247380Z';
  for (const text of [
    '2021-10-25T12:01:24.29524738Z',
    '2021-10-25t12:01:24.295247380z',
    '2021-10-25T14:01:24.29524738+02:00',
    '2021-10-25T06:31:24.29524738-05:30',
  ]) {
    assert.equal(parseInstant(text), same, text);
  }
  assert.equal(parseInstant('2021-10-25T12:01:24Z'), '2021-10-25T12:01:24.000000000Z');
  assert.equal(parseInstant('0001-01-01T00:00:00Z'), NEVER);
  assert.equal(parseInstant('2024-02-29T23:59:59Z'), '2024-02-29T23:59:59.000000000Z');
});

test('the text of a time in Go is read, as templates print it', () => {
  const same = '2026-01-01T00:00:00.000000000Z';
  for (const text of [
    '2026-01-01 00:00:00 +0000 UTC',
    '2026-01-01 02:00:00 +0200 CEST',
    '2025-12-31 19:00:00 -0500 -05',
    '2026-01-01 00:00:00 +0000 UTC m=+0.000012345',
    '2026-01-01 00:00:00 +0000',
  ]) {
    assert.equal(parseInstant(text), same, text);
  }
  assert.equal(
    parseInstant('2026-01-01 00:00:00.123456789 +0000 UTC'),
    '2026-01-01T00:00:00.123456789Z',
  );
});

test('an invalid time is refused', () => {
  for (const text of [
    '',
    'now',
    '2021-10-25',
    '2021-10-25 12:01:24Z',
    '2021-10-25T12:01:24',
    '2021-10-25T12:01:24.Z',
    '2021-10-25T12:01:24.1234567890Z',
    '2021-02-30T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2021-13-01T00:00:00Z',
    '2021-10-25T24:00:00Z',
    '2021-10-25T12:60:00Z',
    '2021-10-25T12:01:60Z',
    '2021-10-25T12:01:24+24:00',
    '2021-10-25T12:01:24+00:60',
    '2021-10-25T12:01:24Z\n',
    '2021-02-30 00:00:00 +0000 UTC',
    '2021-10-25 12:01:24 +0060 UTC',
    '2021-10-25 12:01:24 UTC',
    '2021-10-25 12:01:24 +0000 UTC and more',
    '2021-10-25T12:01:24 +0000 UTC',
    '٢٠٢١-10-25T12:01:24Z',
    '0000-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
  ]) {
    assert.equal(parseInstant(text), undefined, JSON.stringify(text));
  }
});

test('milliseconds since 1970 become the same instant as their text', () => {
  assert.equal(instantOf(0), '1970-01-01T00:00:00.000000000Z');
  assert.equal(instantOf(1635163284295), parseInstant('2021-10-25T12:01:24.295Z'));
});

test('an instant is written as Go writes it, without zeros at its end', () => {
  const written = (text: string): string => formatInstant(parseInstant(text) ?? 'no time');
  for (const text of [
    '2021-10-25T12:01:24.29524738Z',
    '2021-10-25T12:01:20Z',
    '2021-10-25T12:00:00.1Z',
    '2021-10-25T12:00:00.000000001Z',
    '0001-01-01T00:00:00Z',
  ]) {
    assert.equal(written(text), text);
  }
});

test('property: instants sort as their strings do', () => {
  const ms = fc.integer({ min: Date.UTC(1, 0), max: 253_402_300_799_999 });
  fc.assert(
    fc.property(ms, ms, (a, b) => {
      assert.equal(Math.sign(a - b), Math.sign(compare(instantOf(a), instantOf(b))));
    }),
    { numRuns: 500 },
  );
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

test('property: an instant is its own canonical spelling, in whatever zone it was written', () => {
  const time = fc.record({
    ms: fc.integer({ min: 0, max: 4e12 }),
    nanos: fc.integer({ min: 0, max: 999_999 }),
    offset: fc.integer({ min: -1439, max: 1439 }),
  });
  fc.assert(
    fc.property(time, ({ ms, nanos, offset }) => {
      const digits = String(nanos).padStart(6, '0');
      const local = new Date(ms + offset * 60_000).toISOString().slice(0, -1);
      const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60].map(
        (part) => String(part).padStart(2, '0'),
      );
      const text = `${local}${digits}${offset < 0 ? '-' : '+'}${hours}:${minutes}`;
      const instant = parseInstant(text);
      assert.equal(instant, `${new Date(ms).toISOString().slice(0, -1)}${digits}Z`);
      assert.equal(parseInstant(instant ?? ''), instant);
    }),
    { numRuns: 500 },
  );
});
