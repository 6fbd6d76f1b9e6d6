import { messageOf } from '@openfero/core/errors';
import { VERSION } from '@openfero/service/version';
import { Command, CommanderError } from 'commander';
import type { AddCommand } from './commands/add.ts';
import { completionCommand } from './commands/completion.ts';
import { explainCommand } from './commands/explain.ts';
import { getCommand } from './commands/get.ts';
import { lintCommand } from './commands/lint.ts';
import { renderCommand } from './commands/render.ts';
import { replayCommand } from './commands/replay.ts';
import { retryCommand } from './commands/retry.ts';
import { schemaCommand } from './commands/schema.ts';
import { sendCommand } from './commands/send.ts';
import { resumeCommand, statusCommand, stopCommand } from './commands/switch.ts';
import { testCommand } from './commands/test.ts';
import { COULD_NOT_ASK, type Terminal, YES } from './terminal.ts';

const COMMANDS: readonly AddCommand[] = [
  lintCommand,
  renderCommand,
  explainCommand,
  testCommand,
  schemaCommand,
  stopCommand,
  resumeCommand,
  statusCommand,
  sendCommand,
  getCommand,
  retryCommand,
  replayCommand,
  completionCommand,
];

/**
 * Runs the command line.
 *
 * @param args without the program's own name
 * @returns the exit code: 0 yes, 1 no, 2 could not ask
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  let code = YES;
  const program = new Command('openfero')
    .description('From an alert to a tested remediation: checks, explains and tests operarii.')
    .version(VERSION, '--version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .showHelpAfterError('(openfero --help lists the commands)');
  for (const add of COMMANDS) {
    add(program, async (action) => {
      code = await action(terminal);
    });
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    return exitCodeOf(error, terminal);
  }
}

function exitCodeOf(error: unknown, terminal: Terminal): number {
  // Commander has said what is wrong, or has printed the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? YES : COULD_NOT_ASK;
  terminal.err(`openfero: ${messageOf(error)}`);
  return COULD_NOT_ASK;
}
