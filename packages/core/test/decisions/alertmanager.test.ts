import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  conclude,
  concludeAbsent,
  type PeerAnswer,
  readStandings,
  readUptime,
  YOUNG,
} from '../../src/decisions/alertmanager-answer.ts';
import { filtersFor } from '../../src/decisions/alertmanager-question.ts';
import { hostileName, hostileText, hostileTexts, remediation } from '../remediations.ts';

const alertOf = (labels: Readonly<Record<string, string>>, fingerprint = 'a') =>
  remediation({ labels, fingerprint }).alert;

/** How Alertmanager reads the value of a matcher in quotes. */
const unquoted = (filter: string): string =>
  filter
    .slice(filter.indexOf('"') + 1, -1)
    .replace(/\\(.)/gs, (_, character) => (character === 'n' ? '\n' : character));

describe('the question to Alertmanager', () => {
  it('has the alertname first, whatever it is, and no line break', () => {
    fc.assert(
      fc.property(hostileText, hostileTexts, (alertname, labels) => {
        const [first = '', ...others] = filtersFor([alertOf({ ...labels, alertname })]);
        assert.match(first, /^alertname="(?:[^"\\\n]|\\[\\"n])*"$/);
        assert.equal(unquoted(first), alertname);
        for (const filter of others) assert.match(filter, /^[a-zA-Z_]\w*="[\w.:/-]+"$/);
        assert.ok(others.length <= 20);
      }),
    );
  });

  it('is narrowed by labels that the alert has, if it is about one alert', () => {
    fc.assert(
      fc.property(hostileTexts, fc.nat(3), (labels, times) => {
        const alert = alertOf(labels);
        const [, ...narrowed] = filtersFor(Array.from({ length: times + 1 }, () => alert));
        for (const filter of narrowed) {
          const [name = '', value] = filter.split(/="|"$/);
          assert.equal(alert.labels[name], value);
        }
      }),
    );
  });

  it('has the alertname only, if it is about several alerts', () => {
    const alerts = ['a', 'b'].map((zone) => alertOf({ zone }, zone));
    assert.deepEqual(filtersFor(alerts), ['alertname="A"']);
  });

  it('does not ask for a value that the receiver has cut', () => {
    const alert = alertOf({ zone: 'dmz', pod: 'a' });
    const cut = (labels: string[]) => ({ ...alert, truncated: { labels, annotations: [] } });
    assert.deepEqual(filtersFor([cut(['zone'])]), ['alertname="A"', 'pod="a"']);
    assert.deepEqual(filtersFor([cut(['alertname'])]), []);
  });
});

describe('the answer of Alertmanager', () => {
  it('is read whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        readStandings(body);
        readUptime(body, 0);
      }),
    );
  });

  it('tells which alerts are active, and by what others are suppressed', () => {
    const of = (fingerprint: string, state: string, more = {}) => ({
      fingerprint,
      status: { state, silencedBy: [], inhibitedBy: [], ...more },
    });
    const standings = readStandings([
      of('a', 'active'),
      of('b', 'suppressed', { silencedBy: ['4f9f5a5e-7a2b'] }),
      of('c', 'suppressed', { inhibitedBy: ['2625be2b243f4306'] }),
      of('d', 'unprocessed'),
      of('e', 'suppressed', { silencedBy: ['\n<b>'] }),
    ]);
    assert.deepEqual(
      [...(standings ?? [])],
      [
        ['a', { kind: 'active' }],
        ['b', { kind: 'suppressed', by: 'silenced by silence 4f9f5a5e-7a2b' }],
        ['c', { kind: 'suppressed', by: 'inhibited by the alert 2625be2b243f4306' }],
        ['d', { kind: 'active' }],
        ['e', { kind: 'suppressed', by: 'silenced by silence of an unreadable id' }],
      ],
    );
    assert.equal(readStandings({ status: 'error' }), undefined);
    assert.equal(readStandings(['a']), undefined);
  });
});

const anyAnswer: fc.Arbitrary<PeerAnswer> = fc.oneof(
  fc
    .constantFrom(
      { kind: 'active' as const },
      { kind: 'suppressed' as const, by: 'silenced' },
      { kind: 'absent' as const },
    )
    .map((standing) => ({ url: 'http://am', standing })),
  hostileName.map((problem) => ({ url: 'http://am', problem })),
);

function expectedOf(answers: readonly PeerAnswer[]): string | undefined {
  const kinds = answers.map((answer) => ('standing' in answer ? answer.standing.kind : 'unknown'));
  return (['suppressed', 'active', 'unknown'] as const).find((kind) => kinds.includes(kind));
}

describe('several Alertmanagers', () => {
  it('suppress what one of them suppresses, and else run what one of them has', () => {
    fc.assert(
      fc.property(fc.array(anyAnswer, { minLength: 1, maxLength: 4 }), (answers) => {
        assert.equal(conclude(answers)?.kind, expectedOf(answers));
      }),
    );
  });

  it('know that an alert is absent only if none of them has just started', () => {
    const up = (...uptimes: number[]) =>
      concludeAbsent(
        uptimes.map((uptime) => ({ url: 'http://am', uptime })),
        YOUNG,
      ).kind;
    assert.equal(up(YOUNG), 'absent');
    assert.equal(up(YOUNG, YOUNG - 1), 'unknown');
    assert.equal(up(-1000), 'unknown');
    const silent = [{ url: 'http://am', uptime: { problem: 'no' } }];
    assert.deepEqual(concludeAbsent(silent, YOUNG), { kind: 'unknown', problem: 'http://am: no' });
  });

  it('are unknown where there is none', () => {
    assert.equal(conclude([])?.kind, 'unknown');
  });
});
