import { Argument, type Command } from 'commander';
import type { Completable } from '../completion/script.ts';
import { YES } from '../terminal.ts';
import type { AddCommand } from './add.ts';

export const completionCommand: AddCommand = (program, run) => {
  program
    .command('completion')
    .description('prints a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh']))
    .action((shell: 'bash' | 'zsh') =>
      run(async (terminal) => {
        const { completionScript } = await import('../completion/script.ts');
        terminal.out(completionScript(shell, program.commands.map(completable)));
        return YES;
      }),
    );
};

function completable(command: Command): Completable {
  const options = command.options.flatMap(({ long }) => long ?? []);
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  return {
    name: command.name(),
    description: command.description(),
    words: [...choices, ...options, '--help'],
  };
}
