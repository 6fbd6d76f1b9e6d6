import type { Placed, Source } from './documents.ts';

/** `# openfero-lint-ignore shell-paste: the label holds digits only`; the reason is required. */
const IGNORE = /#\s*openfero-lint-ignore\s+([a-z-]+)\s*:\s*\S/;

/** Whether a comment directly above the finding's line silences it. */
export function isIgnored(
  { file, line, id }: Placed,
  sources: ReadonlyMap<string, readonly string[]>,
): boolean {
  const lines = sources.get(file) ?? [];
  for (let i = line - 2; i >= 0; i--) {
    const text = lines[i] ?? '';
    if (!/^\s*#/.test(text)) return false;
    if (IGNORE.exec(text)?.[1] === id) return true;
  }
  return false;
}

/** The lines of each source, by its file. */
export function linesOf(sources: readonly Source[]): ReadonlyMap<string, readonly string[]> {
  return new Map(sources.map(({ file, text }) => [file, text.split('\n')]));
}
