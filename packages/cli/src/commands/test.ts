import type { TestOptions } from '../test/run.ts';
import type { AddCommand } from './add.ts';
import { ENV_FILE, NO_COLOR, output } from './options.ts';

export const testCommand: AddCommand = (program, run) => {
  program
    .command('test')
    .description('runs tests of operarii: a clock of their own, no Redis, no cluster')
    .argument('[path...]', 'files of tests, folders, globs; - for standard input', ['.'])
    .addOption(output(['human', 'json', 'github', 'junit']))
    .option('-q, --quiet', 'print failures only')
    .option(...NO_COLOR)
    .option(...ENV_FILE)
    .action((paths: string[], options: TestOptions) =>
      run(async (terminal) => (await import('../test/run.ts')).runTests(paths, options, terminal)),
    );
};
