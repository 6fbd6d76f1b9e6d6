import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const OPENFERO = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url));

/** What the command line answered. */
export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line as a person does. @param input what it reads from standard input */
export function openfero(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  input = '',
): Promise<Answer> {
  return new Promise((resolve) => {
    const all = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env };
    const child = execFile(
      process.execPath,
      [OPENFERO, ...args],
      { env: all },
      (error, out, err) => {
        const code = error === null ? 0 : Number(error.code);
        resolve({ code, out: out.trim(), err: err.trim() });
      },
    );
    child.stdin?.end(input);
  });
}
