import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { operariusStopped, type Places, remediationFailed } from '../../src/decisions/raised.ts';
import { NEVER } from '../../src/instant.ts';
import { readRaised, type ToRaise } from '../../src/redis/raised.ts';

const PLACES: Places = { configMaps: 'operarii', jobs: 'jobs', dashboard: 'https://fero' };

function raise(labels: Readonly<Record<string, string>>, what = 'why'): ToRaise | undefined {
  const failed = { reason: 'expired', operarius: 'openfero-a-firing', what } as const;
  return remediationFailed({ labels, fingerprint: 'f', startsAt: NEVER }, failed, PLACES);
}

test('a name gets the suffix twice, and never a third time', () => {
  const names: string[] = [];
  for (let name: string | undefined = 'A'; name !== undefined; names.push(name)) {
    name = raise({ alertname: name })?.content.labels['alertname'];
    if (name === undefined) break;
  }
  assert.deepEqual(names, ['ARemediationFailed', 'ARemediationFailedRemediationFailed']);
  assert.equal(raise({ alertname: 'AApprovalNeededRemediationFailed' }), undefined);
});

test('whatever its labels are, a raised alert is bounded, readable, and says what it is', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 50 }),
    fc.string({ minLength: 1_200, maxLength: 1_500 }),
    fc.constantFrom('\ud800', '\0', '\u202e', '__proto__', 'openfero', 'alertname'),
  );
  fc.assert(
    fc.property(fc.dictionary(text, text, { maxKeys: 15 }), text, text, (others, name, what) => {
      const raised = raise({ ...others, alertname: `A${name}` }, what);
      assert.ok(raised);
      const json = JSON.stringify({ ...raised.content, startsAt: 1, until: 2, at: 1 });
      // Each byte of a label may need six in JSON.
      assert.ok(Buffer.byteLength(json) < 80_000);
      const labels = readRaised(json)?.labels ?? {};
      assert.match(labels['alertname'] ?? '', /^A.*RemediationFailed$/su);
      assert.equal(labels['openfero'], 'remediation-failed');
      assert.equal(labels['openfero_reason'], 'expired');
      const texts = [...Object.entries(labels), ...Object.entries(raised.content.annotations)];
      assert.ok(texts.flat().every((each) => each.isWellFormed()));
      const { description = '' } = raised.content.annotations;
      assert.doesNotMatch(description, /[\p{Cc}\u202e]/u);
      assert.ok(description.length <= 1_003);
    }),
    { numRuns: 60 },
  );
});

test('without the address of the dashboard there is no link', () => {
  const { annotations, url } = operariusStopped('o', 0, {
    ...PLACES,
    dashboard: undefined,
  }).content;
  assert.equal(url, undefined);
  assert.deepEqual(Object.keys(annotations).toSorted(), ['description', 'kubectl', 'summary']);
});
