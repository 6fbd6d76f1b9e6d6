import type { LintOptions } from '../lint/run.ts';
import type { AddCommand } from './add.ts';
import { ENV_FILE, NO_COLOR, output, withCluster } from './options.ts';

/** The ServiceAccount of the worker in the manifests and in the chart. */
const OWN_ACCOUNT = 'openfero-worker';

export const lintCommand: AddCommand = (program, run) => {
  withCluster(program.command('lint'))
    .description('says what is wrong with operarii: file:line: severity id: what to do')
    .argument('[path...]', 'files, folders, globs; - for standard input', ['.'])
    .addOption(output(['human', 'json', 'github', 'junit']))
    .option('-q, --quiet', 'print errors only')
    .option(...NO_COLOR)
    .option(...ENV_FILE)
    .option('--strict', 'exit with 1 on warnings too')
    .option(
      '--rules <file>',
      'rules of Prometheus: are there such alerts, with the labels used? (repeatable)',
      (file: string, before: readonly string[] = []) => [...before, file],
    )
    .option('--server', 'also ask the API server whether it would take the Jobs (dry run)')
    .option('--own-account <name>', "the worker's own ServiceAccount", OWN_ACCOUNT)
    .addHelpText('after', AFTER)
    .action((paths: string[], options: LintOptions) =>
      run(async (terminal) => (await import('../lint/run.ts')).runLint(paths, options, terminal)),
    );
};

const AFTER = `
A comment above a line silences one finding, and says why:
  # openfero-lint-ignore shell-paste: the label holds digits only
Exit code: 0 nothing is wrong, 1 errors (with --strict also warnings), 2 could not be checked.`;
