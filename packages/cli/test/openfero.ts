import { run } from '../src/program.ts';
import type { Terminal } from '../src/terminal.ts';

/** What a command answered. */
export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line in this process. */
export async function openfero(
  args: readonly string[],
  { env = {}, stdin = '' }: { readonly env?: Terminal['env']; readonly stdin?: string } = {},
): Promise<Answer> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run(args, {
    env,
    stdin: async () => stdin,
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    isTerminal: false,
    now: () => Date.parse('2026-01-01T00:00:00Z'),
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}
