import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FINDING_IDS } from '@openfero/core/operarius/findings';
import { openfero } from './openfero.ts';

/** A folder for each id: bad.yaml, what is printed of it, and good.yaml, with rules.yml where it is about them. */
const FOLDER = fileURLToPath(new URL('./lint/', import.meta.url));

/** What only an API server finds: see lint-server.test.ts. */
const OF_SERVER: readonly string[] = ['rejected', 'server-warning'];

/** @returns what is printed, with the file's name alone */
async function lint(id: string, file: string) {
  const rules = `${FOLDER}${id}/rules.yml`;
  const args = existsSync(rules) ? ['--rules', rules] : [];
  const answer = await openfero(['lint', `${FOLDER}${id}/${file}`, ...args]);
  return { ...answer, out: answer.out.replaceAll(`${FOLDER}${id}/`, '') };
}

describe('openfero lint', () => {
  it('has an example of each id', () => {
    const ids = FINDING_IDS.filter((id) => !OF_SERVER.includes(id));
    assert.deepEqual(readdirSync(FOLDER).sort(), [...ids].sort());
  });

  for (const id of readdirSync(FOLDER)) {
    it(`${id}: finds the bad example and nothing else in it`, async () => {
      const expected = `${FOLDER}${id}/bad.txt`;
      const { out, code } = await lint(id, 'bad.yaml');
      // To write a new one: delete the file, run the test, read what it has written.
      if (!existsSync(expected)) writeFileSync(expected, `${out}\n`);
      assert.equal(`${out}\n`, readFileSync(expected, 'utf8'));
      assert.match(out, new RegExp(`^bad\\.yaml:\\d+: \\w+ ${id}: [^\\n]+$`));
      assert.equal(code, / error /.test(out) ? 1 : 0);
    });

    it(`${id}: finds nothing in the good example`, async () => {
      const { out, code } = await lint(id, 'good.yaml');
      assert.deepEqual({ out, code }, { out: '', code: 0 });
    });
  }
});
