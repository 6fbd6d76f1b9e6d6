import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { messageOf } from '@openfero/core/errors';

/** Everything that `npm test` checks, in order: what is quick to tell comes first. */
const CHECKS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['format and lint', 'biome', 'ci', '--error-on-warnings', '--colors=off', '.'],
  ['types', 'tsc', '--noEmit'],
  ['unused exports and dependencies', 'knip'],
];

const TESTS = ['packages/*/test/**/*.test.ts', 'services/*/test/**/*.test.ts', 'test/**/*.test.ts'];

const RUNNER = ['--test', '--test-reporter=spec', '--test-global-setup=test/setup.ts'];

/** @returns everything that the command printed, while it is shown */
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
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
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
  // A glob that matches nothing, or a file without a test, would be a success to the runner.
  if (!/^ℹ pass [1-9]/m.test(output)) throw new Error('no test has run');
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`\n${messageOf(error)}`);
  process.exitCode = 1;
}
