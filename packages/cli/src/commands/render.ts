import type { RenderOptions } from '../render/run.ts';
import type { AddCommand } from './add.ts';
import { ENV_FILE, output, withAlert, withDefinitions } from './options.ts';

export const renderCommand: AddCommand = (program, run) => {
  withDefinitions(withAlert(program.command('render')))
    .description('prints the Job of an alert')
    .option('--server', 'as the API server would store it, with its warnings (dry run)')
    .addOption(output(['human', 'json']))
    .option(...ENV_FILE)
    .action((path: string | undefined, options: RenderOptions) =>
      run(async (terminal) =>
        (await import('../render/run.ts')).runRender(path, options, terminal),
      ),
    );
};
