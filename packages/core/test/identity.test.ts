import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Identity, jobName, jobPrefix, looksLikeOwnJob } from '../src/identity/job-name.ts';
import { beganAt, dedupKeyText, readDedupKey, troubleOf } from '../src/identity/trouble.ts';
import { NEVER } from '../src/instant.ts';
import { labelValue } from '../src/labels.ts';
import type { DedupBy } from '../src/operarius/policy-syntax.ts';
import type { Remediation } from '../src/redis/remediation.ts';
import { hostileText, operarius, remediation } from './remediations.ts';

const MINUTE = 60_000;
const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

const troubleBy = (dedupBy: DedupBy, one: Remediation, cooldown = 10 * MINUTE) =>
  troubleOf(one, operarius({}, { dedupBy, cooldown }));

const inGroup = (one: Remediation, group: Partial<Remediation['group']>): Remediation => ({
  ...one,
  group: { ...one.group, ...group },
});

test('by alert: one trouble per fingerprint and status, one episode per startsAt', () => {
  const one = remediation({});
  const trouble = troubleBy('alert', one);
  assert.deepEqual(trouble.episode, { instant: one.alert.startsAt, count: 0 });
  assert.match(trouble.troubleKey, /^[0-9a-f]{64}$/);
  const later = { ...one, id: 'other', receivedAt: one.receivedAt + 1e9 };
  assert.deepEqual(troubleBy('alert', later), trouble);
  assert.deepEqual(troubleBy('alert', inGroup(one, { key: 'x', status: 'resolved' })), trouble);
  assert.notEqual(
    troubleBy('alert', remediation({ fingerprint: 'f' })).troubleKey,
    trouble.troubleKey,
  );
  assert.notEqual(
    troubleBy('alert', remediation({ status: 'resolved' })).troubleKey,
    trouble.troubleKey,
  );
});

test('by alert with repeat-after: the remembered episode and its count', () => {
  const repeat = { episode: '2026-11-22T04:00:00.000000000Z', count: 2 };
  assert.deepEqual(troubleBy('alert', { ...remediation({}), repeat }), {
    troubleKey: troubleBy('alert', remediation({})).troubleKey,
    episode: { instant: repeat.episode, count: 2 },
  });
});

test("by group: one trouble per group and the group's status, one episode per window of receipt", () => {
  const one = { ...remediation({}), receivedAt: Date.UTC(2026, 0, 1, 10, 19, 59, 999) };
  const trouble = troubleBy('group', one);
  assert.deepEqual(trouble.episode, { instant: '2026-01-01T10:10:00.000000000Z', count: 0 });
  const member = {
    ...remediation({ fingerprint: 'f', status: 'resolved' }),
    receivedAt: one.receivedAt,
  };
  assert.deepEqual(troubleBy('group', member), trouble);
  assert.notEqual(
    troubleBy('group', inGroup(one, { key: 'other' })).troubleKey,
    trouble.troubleKey,
  );
  assert.notEqual(
    troubleBy('group', inGroup(one, { status: 'resolved' })).troubleKey,
    trouble.troubleKey,
  );
  const next = troubleBy('group', { ...one, receivedAt: one.receivedAt + 1 });
  assert.equal(next.episode.instant, '2026-01-01T10:20:00.000000000Z');
  assert.equal(next.troubleKey, trouble.troubleKey);
});

test('by operarius: one trouble per status, one episode per window of receipt', () => {
  const one = remediation({});
  const trouble = troubleBy('operarius', one);
  assert.deepEqual(
    troubleBy('operarius', inGroup(remediation({ fingerprint: 'f' }), { key: 'x' })),
    trouble,
  );
  assert.notEqual(
    troubleBy('operarius', remediation({ status: 'resolved' })).troubleKey,
    trouble.troubleKey,
  );
});

test('a repetition that was counted by alert means nothing by group', () => {
  const repeat = { episode: '2026-11-22T04:00:00.000000000Z', count: 2 };
  const one = remediation({});
  assert.deepEqual(troubleBy('group', { ...one, repeat }), troubleBy('group', one));
});

test('without a cooldown each receipt is an episode of its own', () => {
  const { instant } = troubleBy('group', { ...remediation({}), receivedAt: 5 }, 0).episode;
  assert.equal(instant, '1970-01-01T00:00:00.005000000Z');
});

test('operarii with different names or namespaces share no trouble, and neither do the values of dedup-by', () => {
  const one = inGroup(remediation({ fingerprint: 'same' }), { key: 'same' });
  const ks = [
    troubleOf(one, operarius()),
    troubleOf(one, { ...operarius(), name: 'other' }),
    troubleOf(one, { ...operarius(), namespace: 'other' }),
    troubleBy('group', one),
    troubleBy('operarius', one),
  ].map(({ troubleKey }) => troubleKey);
  assert.equal(new Set(ks).size, ks.length);
});

test('K and names stay what they were: Jobs and memories of before are found again', () => {
  const trouble = troubleBy('alert', remediation({}));
  assert.equal(
    trouble.troubleKey,
    'a69f20608f0422e0b3ab421ddeb554521295723010e9dc12e04fb0d0d0058fdd',
  );
  assert.equal(jobName('fix', { ...trouble, n: 0 }), 'fix-20b46fee79');
  assert.equal(dedupKeyText(trouble), `${trouble.troubleKey}/2026-11-22T04:34:40.113210877Z/0`);
});

test('a dedup-key is read back; another text is none', () => {
  const trouble = troubleBy('alert', remediation({}));
  assert.deepEqual(readDedupKey(dedupKeyText(trouble)), trouble);
  const text = dedupKeyText(trouble);
  for (const other of ['', 'x', `${text}x`, `x${text}`, `${text}\n`, text.replace('Z', '')]) {
    assert.equal(readDedupKey(other), undefined, other);
  }
});

describe('a trouble began', () => {
  const receivedAt = Date.UTC(2026, 10, 22, 12);
  const began = (alert: Partial<Remediation['alert']>, by: DedupBy = 'alert'): number =>
    beganAt({ ...remediation(alert), receivedAt }, by);
  const at = (time: string): string => `2026-11-22T${time}.123456789Z`;

  test('when a firing alert started, and when a resolved one ended', () => {
    const times = { startsAt: at('04:00:00'), endsAt: at('05:00:00') };
    assert.equal(began(times), Date.UTC(2026, 10, 22, 4, 0, 0, 123));
    assert.equal(began({ ...times, status: 'resolved' }), Date.UTC(2026, 10, 22, 5, 0, 0, 123));
  });

  test('when it was received, where dedup-by counts receipts', () => {
    assert.equal(began({}, 'group'), receivedAt);
    assert.equal(began({}, 'operarius'), receivedAt);
  });

  test('never after it was received: a clock that is ahead, or an end that nobody told', () => {
    assert.equal(began({ startsAt: '2031-01-01T00:00:00.000000000Z' }), receivedAt);
    assert.equal(began({ status: 'resolved', endsAt: NEVER }), receivedAt);
  });
});

test("a Job's prefix: the template's name, else generateName, else the ConfigMap's name", () => {
  const prefix = (metadata: Record<string, string | number>): string =>
    jobPrefix(operarius({ metadata }));
  assert.equal(prefix({ name: 'fix', generateName: 'gen-' }), 'fix');
  assert.equal(prefix({ generateName: 'gen-' }), 'gen');
  assert.equal(prefix({}), 'openfero-kubequotaalmostfull-firing');
  assert.equal(prefix({ name: '--', generateName: 'Gen.A_b' }), 'gen-a-b');
  assert.equal(prefix({ name: 5 }), 'openfero-kubequotaalmostfull-firing');
  assert.equal(prefix({ name: `${'a'.repeat(50)}.-${'b'.repeat(50)}` }), 'a'.repeat(50));
  assert.equal(prefix({ name: '-9\u212Afix' }), '9-fix');
  assert.equal(jobPrefix({ ...operarius({ metadata: 5 }), name: '...' }), 'openfero');
});

test('a Job and its Pods are recognised as our own only with a known prefix', () => {
  const prefixes = new Set(['fix', 'fix-it', 'a'.repeat(52), 'b'.repeat(47)]);
  const own = [
    'fix-0123456789',
    'fix-it-abcdefabcd',
    'fix-0123456789-x7k2p',
    'fix-0123456789-12-x7k2p',
    `${'a'.repeat(52)}-0123456789`,
    // Kubernetes cuts <name>- to 58 characters before it adds five of its own.
    `${'a'.repeat(52)}-01234x7k2p`,
    `${'a'.repeat(52)}-01-0-x7k2p`,
    `${'a'.repeat(52)}--100-x7k2p`,
    `${'b'.repeat(47)}-0123456789x7k2p`,
  ];
  for (const name of own) assert.ok(looksLikeOwnJob(name, prefixes), name);
  const others = [
    'fix',
    'fix-012345678',
    'fix-012345678g',
    'fix-0123456789-',
    'other-0123456789',
    '',
    'xfix-0123456789',
    'fix-0123456789-x7k2p-y',
    'fix-01234x7k2p',
    `${'a'.repeat(3e6)}-0123456789`,
  ];
  for (const name of others) assert.ok(!looksLikeOwnJob(name, prefixes), name.slice(0, 80));
});

test('a label value keeps what is legal, and is cut and hashed over 63 characters', () => {
  assert.equal(labelValue('2625be2b243f4306'), '2625be2b243f4306');
  assert.equal(labelValue('{}:{alertname="A", zone="b"}'), 'alertname__A___zone__b');
  assert.equal(labelValue('a'.repeat(63)), 'a'.repeat(63));
  assert.match(labelValue('a'.repeat(64)), /^a{52}-[0-9a-f]{10}$/);
  assert.match(labelValue(`${'a'.repeat(51)}${'_'.repeat(20)}`), /^a{51}_-[0-9a-f]{10}$/);
  assert.notEqual(labelValue(`${'a'.repeat(64)}x`), labelValue(`${'a'.repeat(64)}y`));
  assert.equal(labelValue(''), '');
  assert.equal(labelValue('日本'), '');
});

test('megabytes of hostile text become a name and a label without delay', () => {
  const text = `a${'_'.repeat(3e6)}b`;
  const before = performance.now();
  assert.match(labelValue(text), LABEL_VALUE);
  assert.match(jobPrefix(operarius({ metadata: { name: text } })), DNS_LABEL);
  assert.ok(performance.now() - before < 5_000);
});

const anyText = fc.oneof(hostileText, fc.string({ maxLength: 200 }), fc.constant('-'.repeat(70)));

const identity: fc.Arbitrary<Identity> = fc.record({
  troubleKey: fc.constantFrom('k1', 'k2'),
  episode: fc.record({
    instant: fc.constantFrom('2026-01-01T00:00:00.000000000Z', '2026-01-01T00:00:00.000000001Z'),
    count: fc.nat(2),
  }),
  n: fc.nat(2),
});

test('property: every Job name is a legal DNS label, and is recognised again', () => {
  fc.assert(
    fc.property(anyText, anyText, identity, (name, generateName, one) => {
      const prefix = jobPrefix(operarius({ metadata: { name, generateName } }));
      assert.match(jobName(prefix, one), DNS_LABEL);
      assert.ok(looksLikeOwnJob(jobName(prefix, one), new Set([prefix])));
    }),
    { numRuns: 500 },
  );
});

test('property: every label value is legal', () => {
  fc.assert(
    fc.property(anyText, (text) => assert.match(labelValue(text), LABEL_VALUE)),
    { numRuns: 500 },
  );
});

test('property: equal episodes have equal names, others differ', () => {
  fc.assert(
    fc.property(identity, identity, (a, b) => {
      const sameEpisode = dedupKeyText(a) === dedupKeyText(b);
      assert.equal(dedupKeyText(a) === dedupKeyText(b), sameEpisode);
      assert.equal(jobName('fix', a) === jobName('fix', b), sameEpisode && a.n === b.n);
    }),
    { numRuns: 500 },
  );
});

test('property: troubles are the same exactly where what dedup-by names is', () => {
  const part = fc.constantFrom('a', 'b', 'a:b', '');
  const one = fc.record({
    fingerprint: part,
    key: part,
    status: fc.constantFrom('firing', 'resolved'),
  });
  fc.assert(
    fc.property(one, one, (a, b) => {
      const made = ({ fingerprint, key, status }: typeof a): Remediation =>
        inGroup(remediation({ fingerprint }), { key, status });
      const keyBy = (dedupBy: DedupBy, of: typeof a): string =>
        troubleBy(dedupBy, made(of)).troubleKey;
      assert.equal(keyBy('alert', a) === keyBy('alert', b), a.fingerprint === b.fingerprint);
      assert.equal(
        keyBy('group', a) === keyBy('group', b),
        a.key === b.key && a.status === b.status,
      );
      assert.equal(keyBy('operarius', a), keyBy('operarius', b));
    }),
    { numRuns: 300 },
  );
});
