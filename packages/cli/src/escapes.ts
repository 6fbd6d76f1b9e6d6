/** Where GitHub shows a message. */
interface Place {
  readonly file: string;
  readonly line: number;
  readonly title: string;
}

/**
 * A workflow command of GitHub Actions, which shows the message in the changed file.
 *
 * Source of the escapes: actions/toolkit, packages/core/src/command.ts.
 */
export function workflowCommand(
  level: string,
  { file, line, title }: Place,
  message: string,
): string {
  return `::${level} file=${property(file)},line=${line},title=${property(title)}::${escaped(message)}`;
}

function property(text: string): string {
  return escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** Also without the control characters that no XML can hold. */
export function xml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no way to write these
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '?')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  );
}
