import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  fingerprintOf,
  NotANotification,
  type Rejection,
  readAlert,
  readNotification,
} from '../src/alert.ts';
import { NEVER } from '../src/instant.ts';
import { isObject } from '../src/kubernetes.ts';
import { hostileTexts, readJson } from './remediations.ts';

const PAYLOADS = ['two-firing', 'firing-group-with-one-resolved', 'resolved'];

test("fingerprints equal those of a real Alertmanager's notifications", () => {
  let seen = 0;
  for (const name of PAYLOADS) {
    for (const member of readNotification(readJson(`payloads/${name}.json`)).alerts) {
      assert.ok(isObject(member));
      const { fingerprint: sent, ...rest } = member;
      const alert = readAlert(rest, undefined);
      assert.ok(typeof alert === 'object');
      assert.equal(alert.fingerprint, sent);
      assert.equal(fingerprintOf(alert.labels), sent);
      seen += 1;
    }
  }
  assert.equal(seen, 5);
});

test('an alert keeps its own status, not that of its group', () => {
  const { alerts, status } = readNotification(
    readJson('payloads/firing-group-with-one-resolved.json'),
  );
  const statuses = alerts.map((one) => {
    const alert = readAlert(one, status);
    return typeof alert === 'object' ? [alert.status, alert.endsAt] : alert;
  });
  assert.deepEqual(statuses, [
    ['firing', NEVER],
    ['resolved', '2026-11-22T04:34:43.000000000Z'],
  ]);
});

test("the example's alert has no status, no fingerprint and EndsAt: all of them are found", () => {
  const { alerts, status } = readNotification(readJson('alerts.json'));
  const alert = readAlert(alerts[0], status);
  assert.ok(typeof alert === 'object');
  assert.equal(alert.status, 'firing');
  assert.equal(alert.startsAt, '2021-10-25T12:01:24.295247380Z');
  assert.equal(alert.endsAt, NEVER);
  assert.equal(alert.generatorURL, '');
  assert.match(alert.fingerprint, /^[0-9a-f]{16}$/);
});

test("Alertmanager's version 4 and Grafana's version 1 are read, further fields pass", () => {
  for (const version of ['4', '1']) {
    const body = { version, alerts: [{}], orgId: 1, groupLabels: 5 };
    assert.equal(readNotification(body), body);
  }
});

test('an invalid notification is refused with one line that gives the reason', () => {
  const refused = (body: unknown, message: RegExp): void =>
    assert.throws(
      () => readNotification(body),
      (error) => error instanceof NotANotification && message.test(error.message),
    );
  refused(null, /the body is not a JSON object$/);
  refused([], /the body is not a JSON object$/);
  refused('{}', /the body is not a JSON object$/);
  refused({ alerts: [{}] }, /has no version: expected "4" \(Alertmanager\) or "1" \(Grafana\)$/);
  refused({ version: '3', alerts: [{}] }, /version is not supported/);
  refused({ version: 4, alerts: [{}] }, /version is not supported/);
  refused({ version: '4' }, /alerts/);
  refused({ version: '4', alerts: [] }, /: alerts /);
  refused({ version: '4', alerts: {} }, /: alerts /);
  refused({ version: '4', alerts: [{}], groupKey: 5 }, /: groupKey must be string$/);
  refused(
    { version: '4', alerts: [{}], truncatedAlerts: '1' },
    /: truncatedAlerts must be number$/,
  );
});

const GOOD = { labels: { alertname: 'A' }, startsAt: '2026-11-22T04:34:40Z', status: 'firing' };

test('an invalid alert is rejected with its reason', () => {
  const rejected: readonly (readonly [unknown, Rejection])[] = [
    [null, 'not-an-object'],
    [[], 'not-an-object'],
    ['x', 'not-an-object'],
    [{ ...GOOD, labels: undefined }, 'labels-not-strings'],
    [{ ...GOOD, labels: ['a'] }, 'labels-not-strings'],
    [{ ...GOOD, labels: { alertname: 'A', n: 5 } }, 'labels-not-strings'],
    [{ ...GOOD, labels: JSON.parse('{"alertname":"A","__proto__":{}}') }, 'labels-not-strings'],
    [{ ...GOOD, labels: { 'a\nb': 5, alertname: 'A' } }, 'labels-not-strings'],
    [{ ...GOOD, labels: {} }, 'no-alertname'],
    [{ ...GOOD, labels: { alertname: '' } }, 'no-alertname'],
    [{ ...GOOD, labels: JSON.parse('{"__proto__":"A"}') }, 'no-alertname'],
    [{ ...GOOD, annotations: { a: null } }, 'annotations-not-strings'],
    [{ ...GOOD, status: undefined }, 'unknown-status'],
    [{ ...GOOD, status: 'Firing' }, 'unknown-status'],
    [{ ...GOOD, startsAt: undefined }, 'invalid-starts-at'],
    [{ ...GOOD, startsAt: 5 }, 'invalid-starts-at'],
    [{ ...GOOD, startsAt: 'yesterday' }, 'invalid-starts-at'],
    [{ ...GOOD, endsAt: 'tomorrow' }, 'invalid-ends-at'],
    [{ ...GOOD, EndsAt: 5 }, 'invalid-ends-at'],
    [{ ...GOOD, generatorURL: 5 }, 'invalid-generator-url'],
    [{ ...GOOD, fingerprint: 5 }, 'invalid-fingerprint'],
    [{ ...GOOD, fingerprint: 'f'.repeat(129) }, 'invalid-fingerprint'],
  ];
  for (const [value, reason] of rejected) assert.equal(readAlert(value, undefined), reason);
});

test('what an alert may leave out', () => {
  const { status: _, ...bare } = GOOD;
  const alert = readAlert({ ...bare, annotations: null, fingerprint: '' }, 'resolved');
  assert.deepEqual(alert, {
    status: 'resolved',
    labels: GOOD.labels,
    annotations: {},
    startsAt: '2026-11-22T04:34:40.000000000Z',
    endsAt: NEVER,
    generatorURL: '',
    fingerprint: fingerprintOf(GOOD.labels),
  });
});

test('a fingerprint that was sent is kept', () => {
  const alert = readAlert({ ...GOOD, fingerprint: 'of Grafana' }, undefined);
  assert.ok(typeof alert === 'object');
  assert.equal(alert.fingerprint, 'of Grafana');
});

test('the fingerprint does not depend on the order of labels, and sorts them by their bytes', () => {
  // U+FF5E sorts before U+1F600 by bytes, after it by UTF-16 units. The value comes from a Python
  // version of the algorithm that sorts bytes.
  const labels = { alertname: 'A', '～': '1', '😀': '2' };
  const turned = { '😀': '2', '～': '1', alertname: 'A' };
  assert.equal(fingerprintOf(labels), fingerprintOf(turned));
  assert.equal(fingerprintOf(labels), 'd55d2aaf674eb259');
  assert.equal(fingerprintOf({}), 'cbf29ce484222325');
});

test('property: labels of any name are read back as they are, __proto__ included', () => {
  fc.assert(
    fc.property(hostileTexts, (labels) => {
      const sent = JSON.stringify({ ...GOOD, labels: { ...labels, alertname: 'A' } });
      const alert = readAlert(JSON.parse(sent), undefined);
      assert.ok(typeof alert === 'object');
      assert.deepEqual(Object.entries(alert.labels), Object.entries(JSON.parse(sent).labels));
      const turned = Object.fromEntries(Object.entries(alert.labels).reverse());
      assert.equal(fingerprintOf(turned), alert.fingerprint);
    }),
    { numRuns: 200 },
  );
});
