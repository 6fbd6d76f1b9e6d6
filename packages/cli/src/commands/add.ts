import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';

/** Adds a command to the program; its action tells the exit code. */
export type AddCommand = (program: Command, run: Run) => void;

/** Runs the action of a command. The modules that only it needs are loaded in there. */
export type Run = (action: (terminal: Terminal) => Promise<number>) => Promise<void>;
