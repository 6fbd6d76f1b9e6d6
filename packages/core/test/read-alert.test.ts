import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Alert, fingerprintOf } from '../src/alert.ts';
import { instantOf, NEVER } from '../src/instant.ts';
import { readNotification } from '../src/notification.ts';
import { RejectedAlert, type Rejection, readAlert } from '../src/read-alert.ts';
import { readGood, reading, readJson } from './remediations.ts';

const GOOD = { labels: { alertname: 'A' }, startsAt: '2026-11-22T04:34:40Z', status: 'firing' };
const RECEIVED = instantOf(reading().receivedAt);

/** The alert, and what was warned of. */
function readWithWarnings(value: unknown): { alert: Alert; warnings: string[] } {
  const warnings: string[] = [];
  return { alert: readGood(value, { warn: (warning) => warnings.push(warning) }), warnings };
}

test('an alert keeps its own status, not that of its group', () => {
  const file = readJson('payloads/firing-group-with-one-resolved.json');
  const { alerts, status } = readNotification(file, assert.fail);
  const read = alerts.map((one) => readGood(one, { groupStatus: status }));
  assert.deepEqual(
    read.map((alert) => [alert.status, alert.endsAt]),
    [
      ['firing', NEVER],
      ['resolved', '2026-11-22T04:34:43.000000000Z'],
    ],
  );
});

test("the example's alert has no status, no fingerprint and EndsAt: all of them are found", () => {
  const { alerts, status } = readNotification(readJson('alerts.json'), assert.fail);
  const alert = readGood(alerts[0], { groupStatus: status });
  assert.equal(alert.status, 'firing');
  assert.equal(alert.startsAt, '2021-10-25T12:01:24.295247380Z');
  assert.equal(alert.endsAt, NEVER);
  assert.equal(alert.generatorURL, '');
  assert.match(alert.fingerprint, /^[0-9a-f]{16}$/);
});

test('an invalid alert is rejected with a reason that names the place and the value', () => {
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`l${i}`, '']));
  const rejected: readonly (readonly [unknown, Rejection, RegExp])[] = [
    [null, 'not-an-object', /null/],
    [[], 'not-an-object', /a list/],
    ['x', 'not-an-object', /"x"/],
    [{ ...GOOD, labels: ['a'] }, 'labels-not-strings', /labels is a list/],
    [{ ...GOOD, labels: { alertname: 'A', port: 9100 } }, 'labels-not-strings', /"port" is 9100/],
    [
      { ...GOOD, labels: JSON.parse('{"alertname":"A","__proto__":{}}') },
      'labels-not-strings',
      /"__proto__" is an object/,
    ],
    [{ ...GOOD, labels: { 'a\nb': 5, alertname: 'A' } }, 'labels-not-strings', /"a\\nb" is 5/],
    [{ ...GOOD, labels: { alertname: 5 } }, 'labels-not-strings', /"alertname" is 5/],
    [{ ...GOOD, labels: { alertname: 'A', ...many } }, 'too-many-labels', /1002 .* 1000/],
    [{ ...GOOD, labels: undefined }, 'no-alertname', /"alertname" is missing/],
    [{ ...GOOD, labels: null }, 'no-alertname', /"alertname" is missing/],
    [{ ...GOOD, labels: { alertname: '' } }, 'no-alertname', /empty/],
    [{ ...GOOD, labels: { alertname: null } }, 'no-alertname', /missing/],
    [{ ...GOOD, labels: JSON.parse('{"__proto__":"A"}') }, 'no-alertname', /missing/],
    [{ ...GOOD, status: undefined }, 'unknown-status', /neither the alert nor its notification/],
    [{ ...GOOD, status: 'Firing' }, 'unknown-status', /"Firing": use "firing" or "resolved"/],
    [{ ...GOOD, startsAt: 5 }, 'invalid-starts-at', /startsAt is 5: use RFC 3339, .*T00:00:00Z/],
    [{ ...GOOD, startsAt: 'yesterday' }, 'invalid-starts-at', /"yesterday": use RFC 3339/],
    [{ ...GOOD, startsAt: 'x'.repeat(1e6) }, 'invalid-starts-at', /xxx\.\.\."/],
  ];
  for (const [value, rejection, message] of rejected) {
    const alert = readAlert(value, reading());
    assert.ok(alert instanceof RejectedAlert, rejection);
    assert.equal(alert.rejection, rejection);
    assert.ok(alert.reason.startsWith(`${rejection}: `));
    assert.match(alert.reason, message);
    assert.ok(alert.reason.length < 200);
  }
});

test('null is absent, everywhere', () => {
  const nulls = {
    ...{ status: null, annotations: { a: null, b: 'b' }, endsAt: null, EndsAt: null },
    ...{ generatorURL: null, fingerprint: null, labels: { alertname: 'A', zone: null } },
  };
  assert.deepEqual(readGood({ ...GOOD, ...nulls }, { groupStatus: 'firing' }), {
    status: 'firing',
    labels: { alertname: 'A' },
    annotations: { b: 'b' },
    startsAt: '2026-11-22T04:34:40.000000000Z',
    endsAt: NEVER,
    generatorURL: '',
    fingerprint: fingerprintOf({ alertname: 'A' }),
  });
});

test('what decides nothing is ignored with a warning if it is wrong', () => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ annotations: 5 }, /^annotations is 5/],
    [{ annotations: { a: 5 } }, /^the annotation "a" is 5/],
    [{ endsAt: 'tomorrow' }, /^endsAt is "tomorrow"/],
    [{ EndsAt: 5 }, /^endsAt is 5/],
    [{ generatorURL: {} }, /^generatorURL is an object/],
    [{ fingerprint: 5 }, /^fingerprint is 5/],
    [{ fingerprint: 'f'.repeat(129) }, /^fingerprint is "f+\.\.\."/],
  ];
  for (const [fields, message] of wrong) {
    const { alert, warnings } = readWithWarnings({ ...GOOD, ...fields });
    assert.deepEqual(alert, readGood(GOOD));
    assert.equal(warnings.length, 1);
    assert.match(String(warnings[0]), message);
  }
});

test('of too many annotations the first 1,000 are used', () => {
  const annotations = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`a${i}`, 'x']));
  const { alert, warnings } = readWithWarnings({ ...GOOD, annotations });
  assert.equal(Object.keys(alert.annotations).length, 1000);
  assert.match(String(warnings), /1001 annotations/);
});

test('an alert that does not say when it started starts now, with a warning', () => {
  for (const startsAt of [undefined, null, '', '0001-01-01T00:00:00Z']) {
    const { alert, warnings } = readWithWarnings({ ...GOOD, startsAt });
    assert.equal(alert.startsAt, RECEIVED);
    assert.match(String(warnings), /^startsAt is missing/);
  }
});

test('a resolved alert that does not say when it ended ends now, with a warning', () => {
  for (const endsAt of [undefined, '', '0001-01-01T00:00:00Z', 'today']) {
    const { alert, warnings } = readWithWarnings({ ...GOOD, status: 'resolved', endsAt });
    assert.equal(alert.endsAt, RECEIVED);
    assert.match(String(warnings), /^endsAt is /);
  }
  const ended = { ...GOOD, status: 'resolved', endsAt: '2026-11-22T05:00:00Z' };
  assert.equal(readGood(ended).endsAt, '2026-11-22T05:00:00.000000000Z');
});

test('a fingerprint that was sent is kept', () => {
  assert.equal(readGood({ ...GOOD, fingerprint: 'of Grafana' }).fingerprint, 'of Grafana');
});

test('property: no JSON makes it throw, and the labels of an alert that it takes are strings', () => {
  const value = fc.record(
    {
      status: fc.constantFrom('firing', 'resolved', 5, null),
      labels: fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue())),
      annotations: fc.jsonValue(),
      startsAt: fc.oneof(fc.constant(GOOD.startsAt), fc.jsonValue()),
      endsAt: fc.jsonValue(),
      generatorURL: fc.jsonValue(),
      fingerprint: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(value, fc.jsonValue()), (sent) => {
      const alert = readAlert(sent, reading({ warn: () => {} }));
      if (alert instanceof RejectedAlert) return;
      for (const text of Object.values({ ...alert.labels, ...alert.annotations })) {
        assert.equal(typeof text, 'string');
      }
    }),
    { numRuns: 500 },
  );
});
