import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConfigMap } from '../../src/kubernetes.ts';
import { readGlobalSwitch } from '../../src/operarius/global-switch.ts';

/** As a YAML file can hold it: not only strings. */
type Written = Readonly<Record<string, unknown>>;

function configMap(annotations?: Written, labels?: Written, data?: Written): ConfigMap {
  const metadata = { name: 'openfero', namespace: 'jobs', annotations, labels };
  return { metadata, data } as unknown as ConfigMap;
}

describe('the global switch', () => {
  it('is run if there is none', () => {
    const others = {
      'other.io/mode': 'off',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
    };
    for (const none of [
      undefined,
      configMap(),
      configMap(others, { app: 'openfero' }, { notes: 'x' }),
    ]) {
      assert.equal(readGlobalSwitch(none).mode, 'run');
    }
  });

  it('is the value of the annotation, and says so', () => {
    for (const mode of ['run', 'dry-run', 'off'] as const) {
      assert.deepEqual(readGlobalSwitch(configMap({ 'openfero.io/mode': mode })), {
        mode,
        reason: `its annotation openfero.io/mode is "${mode}"`,
      });
    }
  });

  it('is off if the value is invalid, and the reason quotes what was written', () => {
    for (const value of ['', 'of', 'Run', 'RUN', ' run', 'false', false, true, null, 0, {}]) {
      const { mode, reason } = readGlobalSwitch(configMap({ 'openfero.io/mode': value }));
      assert.equal(mode, 'off', String(value));
      const quoted = `is ${JSON.stringify(value)}, which is not run, approve, dry-run or off`;
      assert.ok(reason.includes(quoted), reason);
    }
  });

  const mistakes: readonly (readonly [string, ConfigMap, RegExp])[] = [
    [
      'a typing error',
      configMap({ 'openfero.io/mod': 'run' }),
      /mod is unknown.*openfero\.io\/mode\?/,
    ],
    ['another case', configMap({ 'openfero.io/Mode': 'off' }), /did you mean openfero\.io\/mode\?/],
    [
      'another prefix',
      configMap({ 'openfero/mode': 'off' }),
      /annotation openfero\/mode is unknown/,
    ],
    [
      'a misspelt prefix',
      configMap({ 'openferro.io/mode': 'off' }),
      /openferro\.io\/mode is unknown/,
    ],
    ['no prefix', configMap({ mode: 'off' }), /annotation mode is unknown/],
    ['another word', configMap({ 'openfero.io/disabled': 'true' }), /did you mean .*mode: "off"\?/],
    ['another policy', configMap({ 'openfero.io/max-age': '1m' }), /max-age is unknown/],
    [
      'a right one beside',
      configMap({ 'openfero.io/mode': 'run', 'openfero/mode': 'off' }),
      /openfero\/mode/,
    ],
    [
      'a label',
      configMap({}, { 'openfero.io/mode': 'off' }),
      /its label openfero\.io\/mode is not read/,
    ],
    ['a label without prefix', configMap({}, { mode: 'off' }), /its label mode is not read/],
    [
      'the label of the Go release',
      configMap({}, { 'openfero/job-disabled': 'true' }),
      /job-disabled/,
    ],
    ['a data key', configMap({}, {}, { mode: 'off' }), /its data key mode is not read/],
    [
      'a data key in capitals',
      configMap({}, {}, { OPENFERO_MODE: 'off' }),
      /data key OPENFERO_MODE/,
    ],
  ];
  for (const [name, given, reason] of mistakes) {
    it(`is off if it was written with ${name}, and the reason claims no value`, () => {
      const read = readGlobalSwitch(given);
      assert.equal(read.mode, 'off');
      assert.match(read.reason, reason);
      assert.match(read.reason, /counts as off/);
      assert.doesNotMatch(read.reason, /annotation openfero\.io\/mode is "/);
    });
  }
});
