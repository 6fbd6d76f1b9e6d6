import { Argument } from 'commander';
import type { AddCommand } from './add.ts';

export const schemaCommand: AddCommand = (program, run) => {
  program
    .command('schema')
    .description('prints a JSON Schema for editors')
    .addArgument(
      new Argument('<what>', 'an operarius, the Job in one, or a file of tests').choices([
        'operarius',
        'job',
        'test',
      ]),
    )
    .action((what: 'operarius' | 'job' | 'test') =>
      run(async (terminal) => (await import('../schema/run.ts')).runSchema(what, terminal)),
    );
};
