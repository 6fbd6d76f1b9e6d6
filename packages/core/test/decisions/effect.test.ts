import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { effectByAlertmanager, effectByState } from '../../src/decisions/effect.ts';
import { whyStopped } from '../../src/decisions/stopped.ts';
import { instantOf, NEVER } from '../../src/instant.ts';
import { definitionDigest } from '../../src/operarius/definition.ts';
import { readDueEffect } from '../../src/redis/effects.ts';
import { readStopped } from '../../src/redis/stopped.ts';

const effect = { endedAt: 1000, due: 11_000, within: 10_000 };
const state = (status: 'firing' | 'resolved', startsAt: number, receivedAt: number) => ({
  ...{ status, receivedAt, startsAt: instantOf(startsAt), endsAt: NEVER },
});

describe('the effect of a Job', () => {
  it('is what Alertmanager says at the due time', () => {
    const by = (answer: Parameters<typeof effectByAlertmanager>[0], now = 11_000) =>
      effectByAlertmanager(answer, effect, now);
    assert.equal(by({ kind: 'active' }), 'firing');
    assert.equal(by({ kind: 'absent' }), 'resolved');
    assert.equal(by({ kind: 'suppressed', by: 'a silence' }), 'unknown');
    assert.equal(by({ kind: 'unknown', problem: 'away' }), 'later');
    assert.equal(by({ kind: 'unknown', problem: 'away' }, 21_001), 'unknown');
    assert.equal(by({ kind: 'active' }, 21_001), 'unknown', 'all workers were away');
  });

  it('is what the latest notification says, and never concluded from silence', () => {
    const by = (known: Parameters<typeof effectByState>[0], now = 11_000) =>
      effectByState(known, effect, now);
    assert.equal(by(undefined), 'unknown');
    assert.equal(by(state('firing', 500, 600)), 'unknown', 'nothing was heard since');
    assert.equal(by(state('resolved', 500, 5000)), 'resolved');
    assert.equal(by(state('firing', 5000, 6000)), 'firing', 'it came back');
    assert.equal(by(state('firing', 500, 11_001)), 'firing', 'repeated');
    assert.equal(by(state('resolved', 500, 5000), 21_001), 'unknown', 'too late');
  });
});

describe('a stopped operarius', () => {
  const stopped = { definition: 'abc', until: 9000, row: 5, at: 1000 };
  const operarius = { name: 'openfero-a-firing', definition: 'abc' };

  it('says since when, for how long and what to do', () => {
    assert.equal(
      whyStopped(stopped, operarius, 2000),
      'ConfigMap openfero-a-firing is stopped since 1970-01-01T00:00:01Z, after 5 bad runs in a row, until 1970-01-01T00:00:09Z: correct it, or annotate it with openfero.io/rearm',
    );
    assert.match(whyStopped({ ...stopped, until: 0 }, operarius, 1e12) ?? '', /until a person/);
  });

  it('runs again after that time, and with another definition', () => {
    assert.equal(whyStopped(stopped, operarius, 9000), undefined);
    assert.equal(whyStopped(stopped, { ...operarius, definition: 'other' }, 2000), undefined);
    assert.equal(whyStopped(undefined, operarius, 2000), undefined);
  });

  it('is read from Redis as hostile input', () => {
    assert.deepEqual(readStopped(JSON.stringify(stopped)), stopped);
    for (const text of ['', '[]', '{}', '{"definition":1}', null, 5]) {
      assert.equal(readStopped(text), undefined);
    }
    assert.equal(readDueEffect('{"due":1}'), undefined);
  });
});

describe('the digest of a definition', () => {
  const metadata = { name: 'a', namespace: 'b', annotations: { 'openfero.io/mode': 'run' } };
  const of = (annotations: Record<string, string>, data = { A: 'x' }) =>
    definitionDigest({ metadata: { ...metadata, annotations }, data });

  it('changes with the data and with our annotations, and with nothing else', () => {
    const known = of({ 'openfero.io/mode': 'run' });
    assert.match(known, /^[0-9a-f]{10}$/);
    assert.equal(of({ 'helm.sh/hook': 'x', 'openfero.io/mode': 'run' }), known);
    const labels = { resourceVersion: '7', uid: 'u', labels: { a: 'b' } };
    const applied = { ...metadata, ...labels };
    assert.equal(definitionDigest({ metadata: applied, data: { A: 'x' } }), known);
    assert.notEqual(of({ 'openfero.io/mode': 'run', 'openfero.io/rearm': '1' }), known);
    assert.notEqual(of({ 'openfero.io/mode': 'run' }, { A: 'y' }), known);
  });
});
