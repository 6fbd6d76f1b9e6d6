import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Alert, Texts } from '../../src/alert.ts';
import { carriedPart } from '../../src/render/carried.ts';
import { environment } from '../../src/render/environment.ts';
import { hostileTexts, readGood, remediation } from '../remediations.ts';

function alertOf(labels: Texts, annotations: Texts = {}): Alert {
  const alert = { labels: { alertname: 'A', ...labels }, annotations };
  return readGood({ ...alert, status: 'firing', startsAt: '2026-11-22T04:34:40Z' });
}

const KIB = 1024;

/** One container's OPENFERO_META_TRUNCATED. */
function truncatedIn(alert: Alert): string[] {
  const { variables } = environment({ ...remediation({}), alert }, [new Set<string>()]);
  const list = variables.find(({ name }) => name === 'OPENFERO_META_TRUNCATED');
  return list?.value.split(' ') ?? [];
}

test('an alert that a Job can carry stays as it is', () => {
  for (const size of [10, 5 * KIB, 30 * KIB]) {
    const alert = alertOf({ pod: 'x' }, { description: 'ä'.repeat(size / 2) });
    assert.deepEqual(carriedPart(alert), alert);
  }
});

test('a value over 32 KiB is cut at a character, and the Job says so', () => {
  const whole = alertOf({ pod: 'x' }, { description: 'a€'.repeat(100 * KIB) });
  const alert = carriedPart(whole);
  const { description = '' } = alert.annotations;
  assert.ok(Buffer.byteLength(description) > 32 * KIB - 4);
  assert.ok(Buffer.byteLength(description) <= 32 * KIB);
  assert.ok(whole.annotations['description']?.startsWith(description));
  assert.deepEqual(alert.truncated, { labels: [], annotations: ['description'] });
  assert.deepEqual(truncatedIn(alert), [
    'OPENFERO_META_ANNOTATION_DESCRIPTION',
    'OPENFERO_META_ALERT',
  ]);
});

test('the largest annotations are left out first, then the largest labels, never the alertname', () => {
  const text = (name: string, kib: number): [string, string] => [name, 'x'.repeat(kib * KIB)];
  const labels = Object.fromEntries([
    ...Array.from({ length: 9 }, (_, i) => text(`large${i}`, 31)),
    text('small', 1),
  ]);
  const annotations = Object.fromEntries([text('note', 20), text('hint', 1)]);
  const whole = alertOf({ ...labels, alertname: 'A'.repeat(40 * KIB) }, annotations);

  const alert = carriedPart(whole);

  assert.deepEqual(Object.keys(alert.annotations), []);
  assert.equal(alert.labels['alertname']?.length, 32 * KIB);
  assert.ok('small' in alert.labels);
  assert.equal(Object.keys(alert.labels).filter((name) => name.startsWith('large')).length, 7);
  assert.equal(alert.fingerprint, whole.fingerprint);
  const listed = truncatedIn(alert);
  for (const name of ['META_ANNOTATION_NOTE', 'META_ANNOTATION_HINT', 'ALERTNAME']) {
    assert.ok(listed.includes(`OPENFERO_${name}`), name);
  }
  assert.equal(listed.filter((name) => name.startsWith('OPENFERO_LARGE')).length >= 2, true);
});

test('annotations that are left out make room for every label', () => {
  const annotations = Object.fromEntries(
    Array.from({ length: 100 }, (_, i) => [`note${i}`, 'x'.repeat(30 * KIB)]),
  );
  const alert = carriedPart(alertOf({ pod: 'p', namespace: 'n' }, { ...annotations, short: 's' }));
  assert.deepEqual(alert.labels, { alertname: 'A', pod: 'p', namespace: 'n' });
  assert.equal(alert.annotations['short'], 's');
  assert.equal(alert.truncated?.annotations.length, 92);
});

test('names of what was left out are bounded too', () => {
  const names = Array.from({ length: 500 }, (_, i) => `${i}${'n'.repeat(5000)}`);
  const alert = carriedPart(alertOf(Object.fromEntries(names.map((name) => [name, 'x']))));
  assert.ok(JSON.stringify(alert.truncated).length < 10 * KIB);
  assert.equal(truncatedIn(alert).at(-1), '...');
});

test('property: what is left of any alert has a bounded size, and its own names and fingerprint', () => {
  const large = fc
    .tuple(hostileTexts, fc.integer({ min: 0, max: 60_000 }))
    .map(([texts, times]) =>
      Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, text.repeat(times)])),
    );
  fc.assert(
    fc.property(large, large, (labels, annotations) => {
      const whole = alertOf({ ...labels, alertname: 'A' }, annotations);
      const alert = carriedPart(whole);
      assert.ok(JSON.stringify(alert).length < 300 * KIB);
      assert.equal(alert.fingerprint, whole.fingerprint);
      assert.equal(alert.labels['alertname'], 'A');
      for (const [name, text] of Object.entries(alert.labels)) {
        assert.ok(Object.entries(whole.labels).some(([n, t]) => n === name && t.startsWith(text)));
      }
    }),
    { numRuns: 30 },
  );
});
