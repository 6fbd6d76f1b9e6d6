import { FAILURES } from '@openfero/core/outcome';
import { Option } from 'commander';
import type { RetryOptions } from '../retry/run.ts';
import type { AddCommand } from './add.ts';
import { ENV_FILE } from './options.ts';

export const retryCommand: AddCommand = (program, run) => {
  program
    .command('retry')
    .description('takes up failed remediations again; needs REDIS_URL')
    .addOption(new Option('--outcome <outcome>', 'those that ended so').choices(FAILURES))
    .option('--operarius <name>', 'those of this ConfigMap')
    .option('--dry-run', 'only list them')
    .option(...ENV_FILE)
    .action((options: RetryOptions) =>
      run(async (terminal) => (await import('../retry/run.ts')).runRetry(options, terminal)),
    );
};
