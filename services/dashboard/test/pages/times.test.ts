import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, relative, span, utc } from '../../src/pages/times.ts';

const NOW = Date.UTC(2026, 10, 22, 4, 0, 5);
const MINUTE = 60_000;

for (const [ms, words] of [
  [0, 'under 1 s'],
  [999, 'under 1 s'],
  [41_000, '41 s'],
  [3 * MINUTE + 59_000, '3 min'],
  [60 * MINUTE, '1 h'],
  [125 * MINUTE, '2 h 5 min'],
  [71 * 60 * MINUTE, '71 h'],
  [72 * 60 * MINUTE, '3 d'],
] as const) {
  test(`${ms} ms are ${words}`, () => assert.equal(span(ms), words));
}

test('a time is told from now, also one that is to come', () => {
  assert.equal(relative(NOW - 41_000, NOW), '41 s ago');
  assert.equal(relative(NOW + 2 * MINUTE, NOW), 'in 2 min');
  assert.equal(relative(NOW, NOW), 'now');
});

test('a clock is UTC and says so, with the date where it is another day', () => {
  assert.equal(utc(NOW - 5_000, NOW), '04:00:00Z');
  assert.equal(utc(Date.UTC(2026, 10, 21, 23, 59), NOW), '21 Nov 23:59:00Z');
  assert.equal(utc(Date.UTC(2025, 0, 1), NOW), '1 Jan 2025 00:00:00Z');
});

test('machines read the time too', () => {
  assert.match(String(ago(NOW, NOW)), /datetime="2026-11-22T04:00:05.000Z"/);
});
