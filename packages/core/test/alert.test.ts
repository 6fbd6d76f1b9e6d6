import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fingerprintOf } from '../src/alert.ts';
import { isObject } from '../src/kubernetes.ts';
import { readNotification } from '../src/notification.ts';
import { hostileTexts, readGood, readJson } from './remediations.ts';

const PAYLOADS = ['two-firing', 'firing-group-with-one-resolved', 'resolved'];

test("fingerprints equal those of a real Alertmanager's notifications", () => {
  let seen = 0;
  for (const name of PAYLOADS) {
    for (const member of readNotification(readJson(`payloads/${name}.json`), assert.fail).alerts) {
      assert.ok(isObject(member));
      const { fingerprint: sent, ...rest } = member;
      const alert = readGood(rest);
      assert.equal(alert.fingerprint, sent);
      assert.equal(fingerprintOf(alert.labels), sent);
      seen += 1;
    }
  }
  assert.equal(seen, 5);
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
      const sent = JSON.stringify({
        status: 'firing',
        labels: { ...labels, alertname: 'A' },
        startsAt: '2026-11-22T04:34:40Z',
      });
      const alert = readGood(JSON.parse(sent));
      assert.deepEqual(Object.entries(alert.labels), Object.entries(JSON.parse(sent).labels));
      const turned = Object.fromEntries(Object.entries(alert.labels).reverse());
      assert.equal(fingerprintOf(turned), alert.fingerprint);
    }),
    { numRuns: 200 },
  );
});
