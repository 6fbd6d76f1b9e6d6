import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseMatchers } from '../../src/matchers/matchers.ts';
import { InvalidOperarius } from '../../src/operarius/operarius.ts';
import { DEFAULT_POLICY, type Policy, readPolicy, strictest } from '../../src/operarius/policy.ts';
import { policyTexts } from '../../src/operarius/policy-texts.ts';

const MINUTE = 60_000;
const WHERE = 'ConfigMap jobs/openfero-disk-firing';

function read(annotations: Record<string, unknown>, defaults: Partial<Policy> = {}): Policy {
  const prefixed = Object.fromEntries(
    Object.entries(annotations).map(([name, value]) => [`openfero.io/${name}`, value]),
  );
  // As a YAML file can hold them: not only strings.
  return readPolicy(prefixed as Record<string, string>, { ...DEFAULT_POLICY, ...defaults }, WHERE);
}

function refusal(annotations: Record<string, unknown>, defaults?: Partial<Policy>): string {
  try {
    read(annotations, defaults);
  } catch (error) {
    assert.ok(error instanceof InvalidOperarius, String(error));
    return error.message;
  }
  assert.fail('was not refused');
}

describe('the policy of an operarius', () => {
  it('comes from the settings by default', () => {
    assert.deepEqual(readPolicy(undefined, DEFAULT_POLICY, WHERE), DEFAULT_POLICY);
    assert.deepEqual(readPolicy({ 'helm.sh/hook': 'x' }, DEFAULT_POLICY, WHERE), DEFAULT_POLICY);
  });

  it('is told in the words of its annotations', () => {
    const words = {
      ...{ 'dedup-by': 'alert', cooldown: '0s', 'repeat-after': '4h', 'max-age': '1h30m' },
      ...{ 'max-runs': '1000/1h', target: 'cluster,node' },
      ...{ 'max-active': '0', mode: 'dry-run', 'approval-timeout': '30m', match: '{zone="dmz"}' },
      ...{ 'run-if-resolved': 'true', 'own-jobs': 'true' },
      ...{ 'only-after-firing': 'true', 'max-repeats': '3/2h' },
      ...{ 'effect-within': 'off', 'stop-after': '3', 'stop-for': 'rearm' },
    };
    assert.deepEqual(policyTexts(read(words)), words);
    const windowed = read({ 'dedup-by': 'group' });
    assert.equal(policyTexts(windowed)['repeat-after'], 'never');
  });

  it('comes from its annotations if they are set', () => {
    const policy = read({
      'dedup-by': 'alert',
      cooldown: '0',
      'repeat-after': '4h',
      'max-age': '1h30m',
      'max-active': '0',
      'max-runs': '1000/1h',
      target: 'node, cluster,node',
      mode: 'dry-run',
      'approval-timeout': '1h',
      match: '{zone="dmz"}',
      'run-if-resolved': 'true',
      'own-jobs': 'true',
      'only-after-firing': 'true',
      'max-repeats': '3/2h',
      'effect-within': '5m',
      'stop-after': '0',
      'stop-for': '2h',
      rearm: 'any text',
      alertname: 'node:disk_full',
    });
    assert.deepEqual(
      { ...policy, match: policy.match.map(({ name, value }) => [name, value]) },
      {
        dedupBy: 'alert',
        cooldown: 0,
        repeatAfter: 240 * MINUTE,
        maxAge: 90 * MINUTE,
        maxActive: 0,
        maxRuns: { count: 1000, within: 60 * MINUTE },
        target: ['cluster', 'node'],
        mode: 'dry-run',
        approvalTimeout: 3_600_000,
        match: [['zone', 'dmz']],
        runIfResolved: true,
        ownJobs: true,
        onlyAfterFiring: true,
        maxRepeats: { count: 3, within: 120 * MINUTE },
        effectWithin: 5 * MINUTE,
        stopAfter: 0,
        stopFor: 120 * MINUTE,
      },
    );
  });

  it('can disable what the settings enable', () => {
    const defaults = { runIfResolved: true, ownJobs: true, repeatAfter: MINUTE } as const;
    const policy = read(
      { 'run-if-resolved': 'false', 'own-jobs': 'false', 'repeat-after': 'never' },
      defaults,
    );
    assert.deepEqual(policy, DEFAULT_POLICY);
  });

  it('has the stricter mode', () => {
    assert.equal(read({ mode: 'run' }, { mode: 'off' }).mode, 'off');
    assert.equal(read({ mode: 'off' }, { mode: 'dry-run' }).mode, 'off');
    assert.equal(read({ mode: 'run' }, { mode: 'dry-run' }).mode, 'dry-run');
    assert.equal(read({}, { mode: 'dry-run' }).mode, 'dry-run');
    assert.equal(read({ mode: 'approve' }, { mode: 'run' }).mode, 'approve');
    assert.equal(read({ mode: 'approve' }, { mode: 'dry-run' }).mode, 'dry-run');
  });

  it('has the matchers of both', () => {
    const { match } = read({ match: 'zone=dmz' }, { match: parseMatchers('stage=dev') });
    assert.deepEqual(
      match.map(({ name }) => name),
      ['stage', 'zone'],
    );
  });
});

describe('an invalid value', () => {
  it('is reported with ConfigMap, annotation and the allowed values', () => {
    const expected: [Record<string, unknown>, string][] = [
      [{ cooldown: '10 min' }, 'cooldown is "10 min": expected a duration such as 90s or 1h30m'],
      [{ 'max-age': 'never' }, 'max-age is "never": expected a duration such as 90s or 1h30m'],
      [{ 'repeat-after': '4' }, 'repeat-after is "4": expected a duration such as 4h, or never'],
      [{ 'max-active': '-1' }, 'max-active is "-1": expected a whole number, 0 for no limit'],
      [
        { 'max-runs': '1001/1h' },
        'max-runs is "1001/1h": expected a count from 1 to 1000 and a duration up to 7d such as 20/1h, or none',
      ],
      [
        { target: 'node,' },
        'target is "node,": expected names of labels with commas between, such as node or cluster,node',
      ],
      [{ 'max-active': '1.5' }, 'max-active is "1.5": expected a whole number, 0 for no limit'],
      ...['5', '0/1d', '21/1d', '5/8d', '5/0', 'never'].map(
        (text): [Record<string, unknown>, string] => [
          { 'max-repeats': text },
          `max-repeats is "${text}": expected a count from 1 to 20 and a duration up to 7d such as 5/1d, or none`,
        ],
      ),
      [{ 'effect-within': '0' }, 'effect-within is "0": expected a duration such as 15m, or off'],
      [{ 'stop-for': 'never' }, 'stop-for is "never": expected a duration such as 1h, or rearm'],
      [
        { 'stop-after': '101' },
        'stop-after is "101": expected a whole number up to 100, 0 for never',
      ],
      [{ mode: 'Off' }, 'mode is "Off": expected run, approve, dry-run or off'],
      [{ mode: 'dryrun' }, 'mode is "dryrun": expected run, approve, dry-run or off'],
      [{ 'dedup-by': 'alerts' }, 'dedup-by is "alerts": expected alert, group or operarius'],
      [{ 'own-jobs': 'yes' }, 'own-jobs is "yes": expected true or false'],
      [{ 'run-if-resolved': '' }, 'run-if-resolved is "": expected true or false'],
      [{ mode: false }, 'mode is false: it is not a string: put it in quotes'],
      [{ 'max-active': 5 }, 'max-active is 5: it is not a string: put it in quotes'],
    ];
    for (const [annotations, message] of expected) {
      assert.equal(refusal(annotations), `${WHERE}: annotation openfero.io/${message}`);
    }
  });

  it('is reported with its position, if it is a matcher', () => {
    assert.equal(
      refusal({ match: '{zone="dmz"' }),
      `${WHERE}: annotation openfero.io/match is "{zone=\\"dmz\\"": expected a comma or } at character 12, found the end; expected matchers such as {zone="dmz",namespace!~"kube-.*"}`,
    );
  });

  it('of an unknown annotation leads to a suggestion', () => {
    const prefix = `${WHERE}: annotation openfero.io/`;
    assert.equal(
      refusal({ dedupBy: 'x' }),
      `${prefix}dedupBy is unknown: did you mean openfero.io/dedup-by?`,
    );
    assert.equal(
      refusal({ coldown: '1' }),
      `${prefix}coldown is unknown: did you mean openfero.io/cooldown?`,
    );
    assert.match(
      refusal({ priority: '1' }),
      /openfero\.io\/priority is unknown: supported are openfero\.io\/dedup-by,/,
    );
  });
});

describe('one Job for many alerts', () => {
  for (const dedupBy of ['group', 'operarius'] as const) {
    it(`cannot be repeated with dedup-by ${dedupBy}: cooldown sets the pace`, () => {
      const message = `${WHERE}: annotation openfero.io/repeat-after is "4h": with openfero.io/dedup-by ${dedupBy} only never is allowed: openfero.io/cooldown sets the pace`;
      assert.equal(refusal({ 'dedup-by': dedupBy, 'repeat-after': '4h' }), message);
      assert.equal(refusal({ 'repeat-after': '4h' }, { dedupBy }), message);
      assert.equal(read({ 'dedup-by': dedupBy, 'repeat-after': 'never' }).repeatAfter, 'never');
    });

    it(`leaves the settings' repeat-after alone with dedup-by ${dedupBy}`, () => {
      assert.equal(read({ 'dedup-by': dedupBy }, { repeatAfter: MINUTE }).repeatAfter, 'never');
    });

    it(`needs a cooldown with dedup-by ${dedupBy}`, () => {
      assert.equal(
        refusal({ 'dedup-by': dedupBy, cooldown: '0s' }),
        `${WHERE}: annotation openfero.io/cooldown is "0s": with openfero.io/dedup-by ${dedupBy} it must be longer than 0`,
      );
      assert.match(refusal({ 'dedup-by': dedupBy }, { cooldown: 0 }), /OPENFERO_COOLDOWN is 0/);
      assert.equal(read({ 'dedup-by': dedupBy, cooldown: '1m' }, { cooldown: 0 }).cooldown, MINUTE);
    });
  }

  it('can be repeated again by an operarius with dedup-by alert', () => {
    const policy = read({ 'dedup-by': 'alert', 'repeat-after': '4h' }, { dedupBy: 'group' });
    assert.equal(policy.repeatAfter, 240 * MINUTE);
  });
});

describe('modes', () => {
  it('go from run over dry-run to off', () => {
    assert.equal(strictest(), 'run');
    assert.equal(strictest('run', 'run'), 'run');
    assert.equal(strictest('run', 'dry-run'), 'dry-run');
    assert.equal(strictest('off', 'dry-run', 'run'), 'off');
  });
});
