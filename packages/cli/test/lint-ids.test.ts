import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { FINDING_IDS } from '@openfero/core/operarius/findings';
import { EXAMPLES, findsBad, findsNothing, idsOf, SERVER_EXAMPLES } from './lint-examples.ts';
import { openfero } from './openfero.ts';

const lint = (args: readonly string[]) => openfero(['lint', ...args]);

describe('openfero lint', () => {
  it('has an example of each id', () => {
    // test/lint-server.test.ts runs those of the server.
    const ids = [...idsOf(EXAMPLES), ...idsOf(SERVER_EXAMPLES)];
    assert.deepEqual(ids.sort(), [...FINDING_IDS].sort());
  });

  it('has a row of docs/cli.md for each id', () => {
    const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    const named = rows.flatMap((row) => row.split('|')[1]?.match(/[a-z-]+/g) ?? []);
    assert.deepEqual(
      FINDING_IDS.filter((id) => !named.includes(id)),
      [],
    );
  });

  for (const id of idsOf(EXAMPLES)) {
    it(`${id}: finds the bad example and nothing else in it`, () => findsBad(EXAMPLES, id, lint));
    it(`${id}: finds nothing in the good example`, () => findsNothing(EXAMPLES, id, lint));
  }
});
