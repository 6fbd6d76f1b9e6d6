import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../src/duration.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('a duration', () => {
  it('is read as Prometheus reads it', () => {
    const expected: [string, number][] = [
      ['0', 0],
      ['0s', 0],
      ['500ms', 500],
      ['90s', 90 * SECOND],
      ['5m', 300 * SECOND],
      ['1h30m', 1.5 * HOUR],
      ['1d', DAY],
      ['2w', 14 * DAY],
      ['1y', 365 * DAY],
      ['1m500ms', 60_500],
      ['007s', 7 * SECOND],
      ['1y1w1d1h1m1s1ms', 373 * DAY + HOUR + 61_001],
      ['106751d', 106_751 * DAY],
    ];
    for (const [text, ms] of expected) assert.equal(parseDuration(text), ms, text);
  });

  it('has units from large to small, each once, whole numbers and nothing else', () => {
    const wrong = [
      '',
      '1',
      '10',
      's',
      '1s1m',
      '1s1s',
      '1.5h',
      '-1s',
      '+1s',
      '1 s',
      ' 1s',
      '1s ',
      '1S',
    ];
    for (const text of [
      ...wrong,
      '1h 30m',
      '1M',
      '1us',
      '1sec',
      '0x1s',
      '1e3s',
      '00',
      '１s',
      '1s\n',
    ]) {
      assert.equal(parseDuration(text), undefined, text);
    }
  });

  it('is refused if it exceeds 292 years, the limit of Go', () => {
    assert.equal(parseDuration('9223372036854ms'), 9_223_372_036_854);
    assert.equal(parseDuration('9223372036855ms'), undefined);
    assert.equal(parseDuration('293y'), undefined);
    assert.equal(parseDuration('99999999999999999999999999s'), undefined);
  });

  it('is written as Prometheus writes it', () => {
    assert.equal(formatDuration(0), '0s');
    assert.equal(formatDuration(1.5 * HOUR), '1h30m');
    assert.equal(formatDuration(90 * DAY), '90d');
    assert.equal(formatDuration(14 * DAY), '2w');
    assert.equal(formatDuration(365 * DAY), '1y');
    assert.equal(formatDuration(365 * DAY + 1), '365d1ms');
  });

  it('is the same after writing and reading', () => {
    fc.assert(
      fc.property(fc.nat({ max: 9_223_372_036_854 }), (ms) => {
        assert.equal(parseDuration(formatDuration(ms)), ms);
      }),
    );
  });
});
