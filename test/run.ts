import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { messageOf } from '@openfero/core/errors';

/** The checks of `npm test` before the tests, fastest first. */
const CHECKS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['format and lint', 'biome', 'ci', '--error-on-warnings', '--colors=off', '.'],
  ['types', 'tsc', '--noEmit'],
  ['unused exports and dependencies', 'knip'],
];

const TESTS = ['packages/*/test/**/*.test.ts', 'services/*/test/**/*.test.ts', 'test/**/*.test.ts'];

/** Most files wait for other processes: on two cores, one file at a time leaves two thirds of them idle. */
const FILES_AT_ONCE = Math.max(2, availableParallelism() - 1);

const RUNNER = [
  ...['--test', '--test-reporter=spec', '--test-global-setup=test/setup.ts'],
  `--test-concurrency=${FILES_AT_ONCE}`,
];

/** Runs a command and shows its output. @returns the output */
async function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    process.stdout.write(text);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed with exit code ${code}`);
  return output;
}

async function main(only: readonly string[]): Promise<void> {
  for (const [name, command, ...args] of CHECKS) {
    console.log(`\n== ${name}`);
    await run(command, args);
  }
  console.log('\n== tests');
  const files = globSync(only.length > 0 ? only : TESTS, {
    exclude: (path) => path.includes('node_modules'),
  });
  const output = await run('node', [...RUNNER, ...files.sort()]);
  // The runner succeeds even if a glob matches nothing or a file has no test.
  if (!/^ℹ pass [1-9]/m.test(output)) throw new Error('no test was run');
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`\n${messageOf(error)}`);
  process.exitCode = 1;
}
