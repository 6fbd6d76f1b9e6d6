import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { spawnBound } from './process.ts';
import { findProgram } from './program.ts';

export interface Checked {
  readonly ok: boolean;
  /** What it said, on both outputs. */
  readonly output: string;
}

/**
 * Runs promtool, Prometheus' own check of metrics, rules and expressions.
 *
 * @param folder where relative paths begin
 * @throws if it is missing
 */
export async function promtool(
  args: readonly string[],
  { folder, input }: { readonly folder?: string; readonly input?: string } = {},
): Promise<Checked> {
  const program = findPromtool();
  if (program === undefined) throw new Error(MISSING);
  const child = spawnBound(program, args, {
    ...(folder !== undefined && { cwd: folder }),
    ...(input !== undefined && { input }),
  });
  const [out, err, [code]] = await Promise.all([
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
    once(child, 'close'),
  ]);
  return { ok: code === 0, output: out + err };
}

/** Options of `describe`: skips the tests where there is no promtool, except in CI. */
export function withoutPromtool(): { skip: string | false } {
  const isRequired = process.env['CI'] === 'true';
  return { skip: isRequired || findPromtool() !== undefined ? false : MISSING };
}

const MISSING =
  'no promtool: put it on PATH (Debian: apt-get install prometheus, macOS: brew install prometheus, else https://prometheus.io/download)';

/** Looks on PATH, and installs it with apt-get if possible. */
const findPromtool = (): string | undefined => findProgram(['promtool'], 'prometheus');
