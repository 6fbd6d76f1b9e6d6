import type { RenderOptions } from '../render/run.ts';
import type { AddCommand } from './add.ts';
import { DEFINITIONS, ENV_FILE, output, withAlert } from './options.ts';

export const renderCommand: AddCommand = (program, run) => {
  withAlert(program.command('render'))
    .description('prints the Job of an alert')
    .requiredOption(...DEFINITIONS)
    .addOption(output(['human', 'json']))
    .option(...ENV_FILE)
    .action((path: string | undefined, options: RenderOptions) =>
      run(async (terminal) =>
        (await import('../render/run.ts')).runRender(path, options, terminal),
      ),
    );
};
