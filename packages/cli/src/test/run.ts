import { dirname, join } from 'node:path';
import type { Source } from '@openfero/core/lint/documents';
import { type Failure, runTest } from '@openfero/core/simulation/run-test';
import { InvalidTestFile, readTestFile, type TestFile } from '@openfero/core/simulation/test-file';
import type { LineOf } from '@openfero/core/yaml/lines';
import { decisionSettings, readFiles } from '../definitions.ts';
import { environmentOf } from '../settings.ts';
import { readSources } from '../sources.ts';
import { CouldNotAsk, NO, painter, type Terminal, YES } from '../terminal.ts';
import { asGithub, asJson, asJunit, printHuman, type Result } from './formats.ts';

/** What can be asked of `openfero test`. */
export interface TestOptions {
  readonly output: 'human' | 'json' | 'github' | 'junit';
  readonly quiet?: boolean;
  readonly color: boolean;
  readonly envFile?: string;
}

/** Runs files of tests. @returns 0 where all succeed */
export async function runTests(
  paths: readonly string[],
  options: TestOptions,
  terminal: Terminal,
): Promise<number> {
  const env = await environmentOf(terminal, options.envFile);
  const sources = (await readSources(paths, terminal)).filter(isTestFile);
  if (sources.length === 0) throw new CouldNotAsk(`no file of tests in ${paths.join(', ')}`);
  const results: Result[] = [];
  for (const source of sources) results.push(...(await runFile(source, env, terminal)));
  print(results, options, terminal);
  return results.every(({ failures }) => failures.length === 0) ? YES : NO;
}

/** A folder may hold the operarii too. */
function isTestFile({ text }: Source): boolean {
  return /^tests:/m.test(text);
}

async function runFile(
  { file, text }: Source,
  env: Terminal['env'],
  terminal: Terminal,
): Promise<Result[]> {
  const { file: tests, lineOf } = read({ file, text });
  const results: Result[] = [];
  for (const [i, test] of tests.tests.entries()) {
    const own = { ...env, ...tests.settings, ...test.settings };
    const configMaps = await configMapsOf(tests, file, own, terminal);
    const failures = runTest(test, { configMaps, settings: decisionSettings(own, configMaps) });
    const path = `tests[${i}]`;
    results.push({
      ...{ file, name: test.name, line: lineOf(path) },
      failures: failures.map((failure) => placed(failure, path, lineOf)),
    });
  }
  return results;
}

function read({ file, text }: Source): { readonly file: TestFile; readonly lineOf: LineOf } {
  try {
    return readTestFile(text);
  } catch (error) {
    if (!(error instanceof InvalidTestFile)) throw error;
    throw new CouldNotAsk(`${file}:${error.line}: ${error.message}`);
  }
}

/** Paths are those of the test file's folder. */
async function configMapsOf(
  { operarii }: TestFile,
  file: string,
  env: Terminal['env'],
  terminal: Terminal,
) {
  const folder = file === '<stdin>' ? '.' : dirname(file);
  const paths = operarii.map((path) => (path.startsWith('/') ? path : join(folder, path)));
  const found = await readFiles(paths, env, terminal);
  if (found.length > 0) return found;
  throw new CouldNotAsk(`${file}: there is no operarius in ${operarii.join(', ')}`);
}

function placed({ path, message }: Failure, test: string, lineOf: LineOf) {
  return { line: lineOf(`${test}.${path}`), message };
}

function print(results: readonly Result[], options: TestOptions, terminal: Terminal): void {
  const { output, quiet = false, color } = options;
  if (output === 'json') terminal.out(asJson(results));
  if (output === 'junit') terminal.out(asJunit(results));
  if (output === 'github') for (const line of asGithub(results)) terminal.out(line);
  if (output === 'human') printHuman(results, quiet, terminal, painter(terminal, color));
}
