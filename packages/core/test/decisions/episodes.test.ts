import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideOnEpisode, decideOnLaterEpisode } from '../../src/decisions/episodes.ts';
import { DEFAULT_POLICY } from '../../src/operarius/policy.ts';
import type { Memory } from '../../src/redis/memory.ts';

const MINUTE = 60_000;
const T1 = '2026-11-22T04:00:00.000000000Z';
const T2 = '2026-11-22T05:00:00.000000000Z';

const policy = DEFAULT_POLICY;

const memory: Memory = {
  episode: { instant: T1, count: 0 },
  remediation: 'first',
  job: 'job-1',
  createdAt: 1_000_000,
};

const another = (instant: string, count = 0) => ({ id: 'another', episode: { instant, count } });

describe('what is remembered of a trouble', () => {
  it('lets the first remediation create its Job', () => {
    assert.deepEqual(decideOnEpisode(another(T1), undefined, policy, 0), { kind: 'create' });
  });

  it('ends the remediation that created it, even if others followed', () => {
    const again = { id: 'first', episode: { instant: T1, count: 0 } };
    assert.deepEqual(decideOnEpisode(again, memory, policy, 0), { kind: 'created', job: 'job-1' });
  });

  it('absorbs the same episode, and an earlier one that comes late', () => {
    const deduplicated = { kind: 'deduplicated', job: 'job-1' };
    assert.deepEqual(decideOnEpisode(another(T1), memory, policy, 1e12), deduplicated);
    const later = { ...memory, episode: { instant: T2, count: 0 } };
    assert.deepEqual(decideOnEpisode(another(T1), later, policy, 1e12), deduplicated);
  });

  it('asks the remembered Job about a later episode', () => {
    assert.equal(decideOnEpisode(another(T2), memory, policy, 0).kind, 'later');
  });

  it('counts the remembered episode up once repeat-after is over, and not before', () => {
    const repeating = { ...policy, repeatAfter: 60 * MINUTE };
    const counted = { ...memory, episode: { instant: T2, count: 3 } };
    const at = (ms: number) =>
      decideOnEpisode(another(T1), counted, repeating, counted.createdAt + ms);
    assert.equal(at(60 * MINUTE - 1).kind, 'deduplicated');
    const repeat = at(60 * MINUTE);
    assert.deepEqual(repeat.kind === 'repeat' && repeat.episode, { instant: T2, count: 4 });
  });

  it('treats a counted repetition as later than the episode it repeats', () => {
    assert.equal(decideOnEpisode(another(T1, 1), memory, policy, 0).kind, 'later');
  });
});

describe('a later episode', () => {
  const end = memory.createdAt + policy.cooldown;

  it('is deduplicated while the Job of the one before still runs', () => {
    assert.equal(decideOnLaterEpisode(memory, true, policy, end + 1).kind, 'deduplicated');
  });

  it('waits until the cooldown is over, to the millisecond', () => {
    assert.deepEqual(decideOnLaterEpisode(memory, false, policy, end - 1), {
      kind: 'cooldown',
      until: end,
    });
    assert.deepEqual(decideOnLaterEpisode(memory, false, policy, end), { kind: 'create' });
  });

  it('is deduplicated within the cooldown if episodes are windows', () => {
    for (const dedupBy of ['group', 'operarius'] as const) {
      assert.equal(
        decideOnLaterEpisode(memory, false, { ...policy, dedupBy }, end - 1).kind,
        'deduplicated',
        dedupBy,
      );
    }
  });
});
