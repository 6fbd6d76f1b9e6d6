import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Answer } from './openfero.ts';

/** A folder for each id: bad.yaml, what is printed of it, and good.yaml, with rules.yml where it is about them. */
export const EXAMPLES = fileURLToPath(new URL('./lint/', import.meta.url));

/** The same for the ids that only an API server finds. */
export const SERVER_EXAMPLES = fileURLToPath(new URL('./lint-server/', import.meta.url));

/** The ids of a folder of examples. */
export const idsOf = (folder: string): string[] => readdirSync(folder).sort();

/** Runs `openfero lint` with these arguments. */
type Lint = (args: readonly string[]) => Promise<Answer>;

/** The bad example has this finding and no other one. */
export async function findsBad(folder: string, id: string, lint: Lint): Promise<void> {
  const expected = `${folder}${id}/bad.txt`;
  const { out, code } = await linted(folder, `${id}/bad.yaml`, lint);
  // To write a new one: delete the file, run the test, read what it has written.
  if (!existsSync(expected)) writeFileSync(expected, `${out}\n`);
  assert.equal(`${out}\n`, readFileSync(expected, 'utf8'));
  assert.match(out, new RegExp(`^bad\\.yaml:\\d+: \\w+ ${id}: [^\\n]+$`));
  assert.equal(code, / error /.test(out) ? 1 : 0);
}

/** The good example has none. */
export async function findsNothing(folder: string, id: string, lint: Lint): Promise<void> {
  const { out, code } = await linted(folder, `${id}/good.yaml`, lint);
  assert.deepEqual({ out, code }, { out: '', code: 0 });
}

/** @returns what is printed, with the file's name alone, and Jobs without the hash of their sample */
async function linted(folder: string, file: string, lint: Lint): Promise<Answer> {
  const rules = `${folder}${file.split('/')[0]}/rules.yml`;
  const args = existsSync(rules) ? ['--rules', rules] : [];
  const answer = await lint([`${folder}${file}`, ...args]);
  const out = answer.out
    .replaceAll(/\S+\/(?=\w+\.yaml:)/g, '')
    .replace(/-[0-9a-f]{10}"/g, '-HASH"');
  return { ...answer, out };
}
