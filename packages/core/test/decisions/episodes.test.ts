import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decideOnEpisode, decideOnLaterEpisode } from '../../src/decisions/episodes.ts';
import { instantOf } from '../../src/instant.ts';
import { DEFAULT_POLICY } from '../../src/operarius/policy.ts';
import type { Memory } from '../../src/redis/memory.ts';

const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 22, 4);
/** How long a create took: between the two times lies the moment at which the Job came to be. */
const TOOK = 5;

const policy = DEFAULT_POLICY;

const memoryOf = (began: number, createdAfter: number, count = 0): Memory => ({
  episode: { instant: instantOf(began), count },
  remediation: 'first',
  job: 'job-1',
  createdAfter,
  createdAt: createdAfter + TOOK,
});
const memory = memoryOf(START, START + 1000);

/** A remediation of an episode that began then. */
const another = (began: number, count = 0) => ({
  id: 'another',
  episode: { instant: instantOf(began), count },
  began,
});

describe('what is remembered of a trouble', () => {
  it('lets the first remediation create its Job', () => {
    assert.deepEqual(decideOnEpisode(another(START), undefined, policy, 0), { kind: 'create' });
  });

  it('ends the remediation that created it, even if others followed', () => {
    const again = { ...another(START), id: 'first' };
    assert.deepEqual(decideOnEpisode(again, memory, policy, 0), { kind: 'created', job: 'job-1' });
  });

  it('absorbs the same episode, and says so', () => {
    assert.deepEqual(decideOnEpisode(another(START), memory, policy, 1e15), {
      kind: 'deduplicated',
      job: 'job-1',
      reason: 'this episode already has a Job',
    });
  });

  it('absorbs every episode that began before the Job was created, and says so', () => {
    for (const began of [START - MINUTE, START + 999, START + 1000]) {
      assert.deepEqual(decideOnEpisode(another(began), memory, policy, 1e15), {
        kind: 'deduplicated',
        job: 'job-1',
        reason: 'Job job-1 was created after this episode began',
      });
    }
  });

  it('asks the remembered Job about an episode that began after it was created', () => {
    assert.equal(decideOnEpisode(another(START + 1001), memory, policy, 0).kind, 'later');
  });

  it('with a beginning in 2031 absorbs the very same episode, and no other', () => {
    const ahead: Memory = { ...memory, episode: another(Date.UTC(2031, 0)).episode };
    const same = { ...another(START + 2 * MINUTE), episode: ahead.episode };
    assert.equal(decideOnEpisode(same, ahead, policy, 0).kind, 'deduplicated');
    assert.equal(decideOnEpisode(another(START + MINUTE), ahead, policy, 0).kind, 'later');
  });

  it('does not stand against a person who has the Job run again: that is one more of its episode', () => {
    const rerun = { ...another(START), isRerun: true };
    const { instant } = memory.episode;
    assert.deepEqual(decideOnEpisode(rerun, memory, policy, 0), {
      kind: 'repeat',
      memory,
      episode: { instant, count: 1 },
    });
    assert.deepEqual(decideOnEpisode({ ...rerun, id: 'first' }, memory, policy, 0), {
      kind: 'created',
      job: 'job-1',
    });
  });

  it('and is lost: a rerun counts up once, since the Job that failed may have its name', () => {
    const rerun = { ...another(START), isRerun: true };
    const { episode } = rerun;
    const first = decideOnEpisode(rerun, undefined, policy, 0);
    assert.deepEqual(first, {
      kind: 'repeat',
      memory: undefined,
      episode: { ...episode, count: 1 },
    });
    const again = { ...rerun, episode: { ...episode, count: 1 } };
    assert.deepEqual(decideOnEpisode(again, undefined, policy, 0), { kind: 'create' });
  });

  it('counts the remembered episode up once repeat-after is over, and not before', () => {
    const repeating = { ...policy, repeatAfter: 60 * MINUTE };
    const counted = memoryOf(START + 500, START + 1000, 3);
    const at = (ms: number) =>
      decideOnEpisode(another(START), counted, repeating, counted.createdAt + ms);
    assert.equal(at(60 * MINUTE - 1).kind, 'deduplicated');
    const repeat = at(60 * MINUTE);
    assert.deepEqual(repeat.kind === 'repeat' && repeat.episode, {
      instant: counted.episode.instant,
      count: 4,
    });
  });

  it('repeats once: a repetition that was counted before its Job was made keeps its number', () => {
    const repeating = { ...policy, repeatAfter: MINUTE };
    const now = memory.createdAt + MINUTE;
    const first = decideOnEpisode(another(START), memory, repeating, now);
    const again = decideOnEpisode(another(START, 1), memory, repeating, now);
    assert.equal(first.kind, 'repeat');
    assert.deepEqual(again, first);
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
      const at = (now: number) =>
        decideOnLaterEpisode(memory, false, { ...policy, dedupBy }, now).kind;
      assert.equal(at(end - TOOK - 1), 'deduplicated', dedupBy);
      assert.equal(at(end - TOOK), 'cooldown', 'it may be over, and it may not');
      assert.equal(at(end), 'create', dedupBy);
    }
  });
});

describe('property: whatever is remembered', () => {
  const times = fc.integer({ min: 0, max: 10_000 });
  const episodes = fc.record({ began: times, count: fc.nat(3) });
  const given = fc.record({
    own: episodes,
    known: episodes,
    createdAfter: times,
    took: fc.nat(100),
    now: fc.integer({ min: 10_000, max: 30_000 }),
    repeatAfter: fc.oneof(fc.constant('never' as const), times),
    cooldown: times,
  });

  const decide = ({ own, known, createdAfter, took, now, ...durations }: Given) => {
    const latest = {
      ...memoryOf(known.began, createdAfter, known.count),
      createdAt: createdAfter + took,
    };
    const rules = { ...policy, ...durations };
    const covered = own.began === known.began || own.began <= createdAfter;
    const { kind } = decideOnEpisode(another(own.began, own.count), latest, rules, now);
    return { latest, rules, covered, kind, age: now - latest.createdAt };
  };

  it('an episode that it covers is absorbed or repeated, another one is not', () => {
    fc.assert(
      fc.property(given, (one) => {
        const { covered, kind, rules, age } = decide(one);
        const repeats = rules.repeatAfter !== 'never' && age >= rules.repeatAfter;
        assert.equal(kind, covered ? (repeats ? 'repeat' : 'deduplicated') : 'later');
      }),
      { numRuns: 2000 },
    );
  });

  it('nothing runs while the Job runs, or within its cooldown', () => {
    fc.assert(
      fc.property(given, fc.boolean(), (one, unfinished) => {
        const { latest, rules, age } = decide(one);
        const { kind } = decideOnLaterEpisode(latest, unfinished, rules, one.now);
        assert.equal(kind === 'create', !unfinished && age >= rules.cooldown);
      }),
      { numRuns: 2000 },
    );
  });
});

interface Given {
  readonly own: { readonly began: number; readonly count: number };
  readonly known: { readonly began: number; readonly count: number };
  readonly createdAfter: number;
  readonly took: number;
  readonly now: number;
  readonly repeatAfter: number | 'never';
  readonly cooldown: number;
}
