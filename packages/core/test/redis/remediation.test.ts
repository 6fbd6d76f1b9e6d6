import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digest } from '../../src/digest.ts';
import { key } from '../../src/redis/keys.ts';
import {
  NewerPayload,
  occurrenceOf,
  type Remediation,
  readRemediation,
  UnreadablePayload,
} from '../../src/redis/remediation.ts';
import { exampleRemediation, hostileTexts, remediation } from '../remediations.ts';

test('a payload is read from Redis unchanged', () => {
  const full: Remediation = {
    ...exampleRemediation(),
    repeat: { episode: '2026-11-22T04:34:40.113210877Z', count: 1 },
    held: { reason: 'cooldown', since: 1 },
    retriedAt: 2,
  };
  for (const one of [remediation({}), full]) {
    assert.deepEqual(readRemediation(JSON.parse(JSON.stringify(one))), one);
  }
});

test('property: a payload with labels of any name and text is read back', () => {
  fc.assert(
    fc.property(hostileTexts, hostileTexts, (labels, annotations) => {
      const sent = JSON.stringify(remediation({ labels, annotations }));
      assert.equal(JSON.stringify(readRemediation(JSON.parse(sent))), sent);
    }),
    { numRuns: 200 },
  );
});

test('a payload of a newer version waits for a newer worker', () => {
  for (const data of [{ v: 2 }, { ...remediation({}), v: 2, more: 'x' }, { v: 1e9 }]) {
    assert.throws(() => readRemediation(data), NewerPayload);
  }
});

test('an invalid payload is unreadable, and one short line names the field', () => {
  const good = remediation({});
  const alert = (changed: object): unknown => ({ ...good, alert: { ...good.alert, ...changed } });
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /./],
    [null, /./],
    ['x', /./],
    [[], /./],
    [{}, /./],
    [{ v: 0 }, /./],
    [{ ...good, v: '2' }, /\/v /],
    [{ ...good, v: 0.5 }, /\/v /],
    [{ ...good, id: '' }, /\/id /],
    [{ ...good, id: 'a\nb' }, /\/id /],
    [{ ...good, id: 'x'.repeat(129) }, /\/id /],
    [{ ...good, receivedAt: '1' }, /\/receivedAt /],
    [{ ...good, receivedAt: -1 }, /\/receivedAt /],
    [{ ...good, receivedAt: 1e300 }, /\/receivedAt /],
    [{ ...good, group: {} }, /\/group/],
    [{ ...good, alert: [] }, /\/alert /],
    [alert({ labels: {} }), /\/alert\/labels/],
    [alert({ labels: { alertname: 'A', b: 5 } }), /\/alert\/labels\/b /],
    [alert({ labels: JSON.parse('{"alertname":"A","__proto__":{}}') }), /labels\/__proto__ /],
    [alert({ labels: { alertname: 'A', 'a\nb': 5 } }), /labels\/a\?b /],
    [alert({ labels: { alertname: 'A', ['x'.repeat(1e6)]: 5 } }), /labels\/x+ /],
    [alert({ annotations: [] }), /\/alert\/annotations /],
    [alert({ status: 'pending' }), /\/alert\/status /],
    [alert({ startsAt: '2026-11-22T04:34:40Z' }), /\/alert\/startsAt /],
    [alert({ startsAt: '2026-11-22T04:34:40.113210877Z\n' }), /\/alert\/startsAt /],
    [{ ...good, repeat: { episode: 'x', count: 1 } }, /\/repeat\/episode /],
    [{ ...good, repeat: { episode: NEVER, count: 1e300 } }, /\/repeat\/count /],
    [{ ...good, held: 'yes' }, /\/held /],
  ];
  for (const [data, message] of wrong) {
    assert.throws(
      () => readRemediation(data),
      (error) => {
        assert.ok(error instanceof UnreadablePayload, String(error));
        assert.match(error.message, message);
        assert.match(error.message, /^the payload is not a remediation: .{1,250}$/);
        return true;
      },
    );
  }
});
const NEVER = '0001-01-01T00:00:00.000000000Z';

test('the same occurrence is absorbed, another is not', () => {
  const { alert } = remediation({});
  const same = occurrenceOf('group', { ...alert, annotations: { changed: 'yes' }, endsAt: NEVER });
  assert.equal(occurrenceOf('group', alert), same);
  const others = [
    occurrenceOf('other', alert),
    occurrenceOf('group', { ...alert, fingerprint: 'f' }),
    occurrenceOf('group', { ...alert, labels: { ...alert.labels, alertname: 'Other' } }),
    occurrenceOf('group', { ...alert, status: 'resolved' }),
    occurrenceOf('group', { ...alert, startsAt: NEVER }),
  ];
  assert.equal(new Set([same, ...others]).size, 6);
});

test('keys of ours lie below the prefix, which keeps them in one slot', () => {
  assert.equal(key('{openfero}', 'memory', 'k'), '{openfero}:memory:k');
});

test('property: a digest depends on how its texts are divided', () => {
  const parts = fc.array(fc.constantFrom('', 'a', 'b', ':', '1:a', 'é', '2:'), { maxLength: 4 });
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      const same = a.length === b.length && a.every((part, i) => part === b[i]);
      assert.equal(digest(...a) === digest(...b), same);
    }),
    { numRuns: 500 },
  );
  assert.match(digest('a'), /^[0-9a-f]{64}$/);
});
