import { workflowCommand, xml } from '../escapes.ts';
import type { Paint, Terminal } from '../terminal.ts';

/** How one test went. */
export interface Result {
  readonly file: string;
  readonly name: string;
  readonly line: number;
  readonly failures: readonly { readonly line: number; readonly message: string }[];
}

export function printHuman(
  results: readonly Result[],
  quiet: boolean,
  terminal: Terminal,
  paint: Paint,
): void {
  for (const { file, name, failures } of results) {
    if (failures.length === 0) {
      if (!quiet) terminal.out(`${paint('green', 'ok')}    ${file}: ${name}`);
      continue;
    }
    terminal.out(`${paint('red', 'FAIL')}  ${file}: ${name}`);
    for (const { line, message } of failures) terminal.out(`      ${file}:${line}: ${message}`);
  }
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  terminal.err(`${results.length} tests, ${failed} failed`);
}

export function asJson(results: readonly Result[]): string {
  const rows = results.map((result) => ({ ...result, ok: result.failures.length === 0 }));
  return JSON.stringify(rows, null, 2);
}

export function asGithub(results: readonly Result[]): string[] {
  return results.flatMap(({ file, name, failures }) =>
    failures.map(({ line, message }) =>
      workflowCommand('error', { file, line, title: `openfero test: ${name}` }, message),
    ),
  );
}

export function asJunit(results: readonly Result[]): string {
  const cases = results.map(({ file, name, failures }) => {
    const failed = failures.map(
      ({ line, message }) =>
        `    <failure message="${xml(message)}">${xml(`${file}:${line}`)}</failure>\n`,
    );
    return `  <testcase name="${xml(name)}" classname="${xml(file)}">\n${failed.join('')}  </testcase>\n`;
  });
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="openfero test" tests="${results.length}" failures="${failed}">\n${cases.join('')}</testsuite>`;
}
