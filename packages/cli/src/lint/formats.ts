import type { Definition, Placed } from '@openfero/core/lint/documents';
import { textOf } from '@openfero/core/operarius';
import { workflowCommand, xml } from '../escapes.ts';
import type { Color, Paint } from '../terminal.ts';

const COLORS: Readonly<Record<Placed['severity'], Color>> = {
  error: 'red',
  warning: 'yellow',
  info: 'cyan',
};

/** The sentence alone: file and line say where. */
function sentenceOf(finding: Placed): string {
  return textOf({ ...finding, place: '' });
}

export function asHuman(finding: Placed, paint: Paint): string {
  const { file, line, severity, id } = finding;
  const what = `${paint(COLORS[severity], severity)} ${paint('bold', id)}`;
  return `${file}:${line}: ${what}: ${sentenceOf(finding)}`;
}

export function asJson(findings: readonly Placed[]): string {
  const rows = findings.map(({ file, line, severity, id, message, fix }) => ({
    ...{ file, line, severity, id, message, fix },
  }));
  return JSON.stringify(rows, null, 2);
}

const LEVELS: Readonly<Record<Placed['severity'], string>> = {
  error: 'error',
  warning: 'warning',
  info: 'notice',
};

export function asGithub(finding: Placed): string {
  const { file, line, severity, id } = finding;
  const place = { file, line, title: `openfero ${id}` };
  return workflowCommand(LEVELS[severity], place, sentenceOf(finding));
}

/** One test case for each operarius, and one for each file that cannot be read. */
export function asJunit(findings: readonly Placed[], definitions: readonly Definition[]): string {
  const files = new Set([
    ...definitions.map(({ file }) => file),
    ...findings.map(({ file }) => file),
  ]);
  const cases = [...files].map((file) => {
    const own = findings.filter((finding) => finding.file === file && finding.severity !== 'info');
    const failures = own.map(
      (finding) =>
        `    <failure type="${xml(finding.id)}" message="${xml(sentenceOf(finding))}">${xml(`${file}:${finding.line}`)}</failure>\n`,
    );
    return `  <testcase name="${xml(file)}" classname="openfero.lint">\n${failures.join('')}  </testcase>\n`;
  });
  const failing = new Set(
    findings.filter(({ severity }) => severity !== 'info').map(({ file }) => file),
  );
  const counts = `tests="${files.size}" failures="${failing.size}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="openfero lint" ${counts}>\n${cases.join('')}</testsuite>`;
}
