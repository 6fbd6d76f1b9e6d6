import type { ReplayOptions } from '../replay/run.ts';
import type { AddCommand } from './add.ts';
import { ENV_FILE, output } from './options.ts';

export const replayCommand: AddCommand = (program, run) => {
  program
    .command('replay')
    .description('sends recorded alerts through changed operarii, and says what would be different')
    .argument(
      '<records...>',
      'of `get remediations -o jsonl`, or of /history.jsonl; - for standard input',
    )
    .requiredOption('-f, --file <path...>', 'the changed operarii')
    .option('--against <path...>', 'the operarii as they are; by default what is recorded')
    .addOption(output(['human', 'json']))
    .option(...ENV_FILE)
    .action((paths: string[], options: ReplayOptions) =>
      run(async (terminal) =>
        (await import('../replay/run.ts')).runReplay(paths, options, terminal),
      ),
    );
};
