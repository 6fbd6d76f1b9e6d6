import type { ExplainOptions } from '../explain/run.ts';
import type { AddCommand } from './add.ts';
import { ENV_FILE, NO_COLOR, output, withAlert, withDefinitions } from './options.ts';

export const explainCommand: AddCommand = (program, run) => {
  withDefinitions(withAlert(program.command('explain')))
    .description('says step by step why an alert would run a Job, or not')
    .option('--live', 'with what Redis and the cluster know now; needs REDIS_URL')
    .addOption(output(['human', 'json']))
    .option(...NO_COLOR)
    .option(...ENV_FILE)
    .addHelpText(
      'after',
      '\nExit code: 0 each alert would run a Job, 1 one would not, 2 could not be asked.',
    )
    .action((path: string | undefined, options: ExplainOptions) =>
      run(async (terminal) =>
        (await import('../explain/run.ts')).runExplain(path, options, terminal),
      ),
    );
};
