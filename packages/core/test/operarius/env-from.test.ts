import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../src/kubernetes.ts';
import { sharedNames } from '../../src/operarius/env-from.ts';
import { textOf } from '../../src/operarius/operarius.ts';

function warnings(envFrom: JsonObject[], list = 'containers'): string[] {
  const containers = [{ name: 'clean-up', envFrom }];
  const template = { spec: { template: { spec: { [list]: containers } } } };
  return sharedNames(template, '').map(textOf);
}

const secret = (prefix?: string): JsonObject => ({
  secretRef: { name: 's' },
  ...(prefix !== undefined && { prefix }),
});

describe('envFrom', () => {
  it('is warned of where its names can be those of OpenFero, which win', () => {
    const [warning = '', ...others] = warnings([secret('DB_'), secret()]);
    assert.deepEqual(others, []);
    assert.match(warning, /^container clean-up: if what envFrom reads .* OpenFero's value wins: /);
    for (const prefix of ['', 'OPEN', 'OPENFERO_', 'OPENFERO_META_']) {
      assert.equal(warnings([secret(prefix)]).length, 1, prefix);
    }
    assert.equal(warnings([secret()], 'initContainers').length, 1);
  });

  it('is not warned of where its prefix keeps the names apart, or where there is none', () => {
    for (const prefix of ['DB_', 'OPENFEROX', 'openfero_']) {
      assert.deepEqual(warnings([secret(prefix)]), [], prefix);
    }
    assert.deepEqual(warnings([]), []);
    assert.deepEqual(sharedNames({}, ''), []);
  });
});
