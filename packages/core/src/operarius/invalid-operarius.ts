import { oneLine } from '../one-line.ts';

/** The definition is wrong: terminal, and its message goes to the author. One line. */
export class InvalidOperarius extends Error {
  constructor(message: string) {
    super(oneLine(message));
  }
}
