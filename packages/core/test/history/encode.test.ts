import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ENTRY_LIMIT, encodeEntry } from '../../src/history/encode.ts';
import type { EndEntry, Entry } from '../../src/history/entry.ts';
import { parseEntry } from '../../src/history/parse.ts';
import { hostileText, hostileTexts } from '../remediations.ts';
import { end, entries, fate, held, NIGHT } from './entries.ts';

const fields = (text: string): string[] => ['v', '1', 'e', text];
const reread = (entry: Entry): Entry | undefined => parseEntry(fields(encodeEntry(entry)));

function rereadEnd(parts: Partial<EndEntry>): EndEntry {
  const entry = reread(end(parts));
  return entry?.kind === 'end' ? entry : assert.fail('not read back');
}

const EXAMPLES: readonly Entry[] = [
  end({
    definition: '0123456789',
    warnings: ['unknown field "spec.x"'],
    endsAt: '2026-11-22T03:04:00.000000000Z',
  }),
  fate({ fate: 'failed', reason: 'BackoffLimitExceeded' }),
  held(),
  held({ reason: 'max-active', by: 'max-active is 1: unfinished Job a' }),
  { kind: 'act', act: 'clean', id: '', user: 'anna', address: '::1', at: NIGHT },
  { kind: 'mode', from: 'run', to: 'off', source: 'ConfigMap openfero', at: NIGHT },
];

describe('an entry', () => {
  test('is read back unchanged', () => {
    for (const entry of EXAMPLES) assert.deepEqual(reread(entry), entry);
  });

  test('property: is read back unchanged, also with shared texts', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        const intern = (text: string): string => `${text}!`.slice(0, -1);
        assert.deepEqual(parseEntry(fields(encodeEntry(entry)), intern), entry);
      }),
    );
  });

  test('has long texts cut at a character, with an ellipsis', () => {
    const smile = '😀'.repeat(200);
    const { labels } = rereadEnd({
      labels: { alertname: 'A', text: 'x'.repeat(257), smile, fits: 'y'.repeat(256) },
    });
    const { reason } = rereadEnd({ reason: smile.repeat(2) });
    const { groupKey } = rereadEnd({ groupKey: 'g'.repeat(1_000) });
    assert.equal(labels['text'], `${'x'.repeat(255)}…`);
    assert.equal(labels['fits'], 'y'.repeat(256));
    assert.equal(labels['smile'], `${'😀'.repeat(127)}…`);
    assert.match(reason, /^(😀)+…$/u);
    assert.ok(reason.length <= 512 && reason.length > 300, String(reason.length));
    assert.match(groupKey, /^g{255}…$/);
  });

  test('has at most 2 KiB: the usual labels go first, then the others in their order', () => {
    const many = Array.from({ length: 30 }, (_, index) => [`l${index}`, 'v'.repeat(100)] as const);
    const { labels } = rereadEnd({
      labels: {
        ...Object.fromEntries(many),
        pod: 'p',
        severity: 's',
        namespace: 'n',
        alertname: 'A',
      },
      reason: 'r'.repeat(512),
    });
    const names = Object.keys(labels);
    assert.deepEqual(names.slice(0, 6), ['alertname', 'namespace', 'severity', 'pod', 'l0', 'l1']);
    assert.ok(names.length < 20 && names.length > 8, String(names));
  });

  test('leaves out a label that has no room, not those after it', () => {
    const { labels } = rereadEnd({
      labels: { ['n'.repeat(3_000)]: 'x', alertname: 'DiskFull', z: 'z' },
    });
    assert.deepEqual(labels, { alertname: 'DiskFull', z: 'z' });
  });

  test('keeps as many warnings as have room', () => {
    const warnings = Array.from({ length: 50 }, (_, index) => `${index}${'w'.repeat(300)}`);
    const kept = rereadEnd({ warnings }).warnings ?? [];
    assert.ok(kept.length > 1 && kept.length < 8, String(kept.length));
    assert.match(kept[0] ?? '', /^0w{254}…$/);
  });

  test('property: is bounded and readable, whatever the alert holds', () => {
    const long = fc.tuple(hostileText, fc.nat(300)).map(([text, times]) => text.repeat(times));
    const subject = fc.record({
      id: fc.uuid(),
      alertname: long,
      // The receiver takes no longer one.
      fingerprint: hostileText.map((text) => text.repeat(10).slice(0, 128)),
    });
    const all = fc.oneof(
      fc
        .record({ subject, labels: hostileTexts, long, warnings: fc.array(long, { maxLength: 5 }) })
        .map(({ subject, labels, long, warnings }) => {
          const { alertname } = subject;
          const parts = { labels: { ...labels, alertname, long }, reason: long, groupKey: long };
          return end({ ...subject, ...parts, warnings });
        }),
      fc
        .record({ subject, reason: long })
        .map(({ subject, reason }) => held({ ...subject, reason, by: reason })),
      fc
        .record({ subject, reason: long })
        .map(({ subject, reason }) => fate({ ...subject, reason })),
      long.map(
        (user): Entry => ({ kind: 'act', act: 'remove', id: user, user, address: user, at: 1 }),
      ),
      long.map((problem): Entry => ({ kind: 'definition', operarius: 'o', problem, at: 1 })),
      long.map((source): Entry => ({ kind: 'mode', from: 'off', to: 'run', source, at: 1 })),
    );
    fc.assert(
      fc.property(all, (entry) => {
        const text = encodeEntry(entry);
        assert.ok(Buffer.byteLength(text) <= ENTRY_LIMIT, `${Buffer.byteLength(text)} bytes`);
        const read = parseEntry(fields(text)) ?? assert.fail('not read back');
        assert.equal(read.kind, entry.kind);
        if (read.kind === 'end' && entry.kind === 'end') {
          assert.equal(read.fingerprint, entry.fingerprint);
          assert.equal(read.labels['alertname'], read.alertname);
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('what is no entry of this version is skipped', () => {
  const good = encodeEntry(end());
  const changed = (parts: object): string => JSON.stringify({ ...end(), ...parts });
  const wrong: readonly (readonly string[])[] = [
    [],
    ['v', '2', 'e', good],
    ['v', '1'],
    ['e', good, 'v', '1'],
    ['v', '1', 'e', good, 'x', 'y'],
    ...[
      ...[
        '',
        'null',
        '[]',
        '{',
        '"x"',
        good.slice(0, -1),
        `${good.slice(0, -1)},"more":"${'x'.repeat(5_000)}"}`,
      ],
      ...[{ kind: 'other' }, { kind: undefined }, { outcome: 'done' }, { labels: [] }].map(changed),
      ...[{ labels: { a: 1 } }, { labels: undefined }, { status: 'pending' }, { id: '' }].map(
        changed,
      ),
      ...[{ receivedAt: '1' }, { endedAt: -1 }, { endedAt: 1e300 }, { warnings: 'x' }].map(changed),
      ...[{ startsAt: '2026-11-22T03:00:00Z' }, { startsAt: '2026-99-22T03:00:00.000000000Z' }].map(
        changed,
      ),
      ...[{ endsAt: 'never' }, { job: 5 }, { reason: null }].map(changed),
      ...[
        { ...fate(), fate: 'gone' },
        { ...fate(), job: '' },
        { ...held(), until: null },
      ].map((one) => JSON.stringify(one)),
      '{"kind":"mode","from":"run","to":"on","source":"","at":1}',
      '{"kind":"act","act":"obliterate","id":"","user":"","address":"","at":1}',
    ].map(fields),
  ];
  for (const one of wrong) assert.equal(parseEntry(one), undefined, one.join(' ').slice(0, 200));
});

test('property: no text makes it throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), hostileText), (text) => {
      parseEntry(fields(text));
    }),
  );
});
