import { ENDS } from '@openfero/core/outcome';
import { Option } from 'commander';
import type { GetOperariiOptions, GetOptions } from '../get/run.ts';
import type { AddCommand } from './add.ts';
import { ENV_FILE, output, withCluster } from './options.ts';

export const getCommand: AddCommand = (program, run) => {
  const get = program.command('get').description('prints what OpenFero knows');
  get
    .command('remediations')
    .description('the history: what became of each alert, the newest first; needs REDIS_URL')
    .addOption(new Option('--outcome <outcome>', 'those that ended so').choices(ENDS))
    .option('--operarius <name>', 'those of this ConfigMap')
    .option('--match <matchers>', 'those whose labels match, as in openfero.io/match')
    .option('--since <duration>', 'the last 24h, for example; all by default')
    .addOption(output(['human', 'json', 'jsonl']))
    .option(...ENV_FILE)
    .action((options: GetOptions) =>
      run(async (terminal) => (await import('../get/run.ts')).getRemediations(options, terminal)),
    );
  withCluster(get.command('operarii'))
    .description(
      'the operarii as the workers have them, else as they are in the cluster; exits with 1 if one is invalid',
    )
    .addOption(output(['human', 'json']))
    .option(...ENV_FILE)
    .action((options: GetOperariiOptions) =>
      run(async (terminal) => (await import('../get/run.ts')).getOperarii(options, terminal)),
    );
};
