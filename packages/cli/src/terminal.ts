import { styleText } from 'node:util';

/** What a command reads and writes: the process in main.ts, a test's lines in tests. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All of standard input. */
  readonly stdin: () => Promise<string>;
  /** The answer, a line at a time. */
  readonly out: (line: string) => void;
  /** All that is not the answer. */
  readonly err: (line: string) => void;
  readonly isTerminal: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** How a command ends: what it was asked is so, is not so, or could not be found out. */
export const YES = 0;
export const NO = 1;
export const COULD_NOT_ASK = 2;

/** The command cannot answer: one line for people, and exit code 2. */
export class CouldNotAsk extends Error {}

export type Color = 'red' | 'yellow' | 'green' | 'cyan' | 'dim' | 'bold';

/** Colours a text, or not: as the option, NO_COLOR and the terminal want it. */
export type Paint = (color: Color, text: string) => string;

export function painter({ env, isTerminal }: Terminal, isWanted: boolean): Paint {
  if (!isWanted || !isTerminal || env['NO_COLOR']) return (_, text) => text;
  return (color, text) => styleText(color, text, { validateStream: false });
}
