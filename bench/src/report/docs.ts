import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Cells, cellsOf, HEADINGS } from './cells.ts';
import { chart } from './chart.ts';
import { describeMachine } from './machine.ts';
import { CONDITIONS, missesOf, type Report } from './report.ts';

const fileIn = (name: string): string =>
  fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));

const BEGIN = '<!-- figures: written by `npm run bench -- --docs`, not by hand -->';
const END = '<!-- end of figures -->';

/** Writes figures, machine and date into docs/performance.md, and the chart to docs/performance.svg. */
export async function writeDocs(report: Report): Promise<void> {
  const page = fileIn('performance.md');
  const text = await readFile(page, 'utf8');
  const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`${page} has no markers for the figures`);
  const head = text.slice(0, before + BEGIN.length);
  await writeFile(page, `${head}\n\n${figures(report)}\n\n${text.slice(after)}`);
  await writeFile(fileIn('performance.svg'), chart(report));
}

function figures(report: Report): string {
  const { date, machine, quick, rows, failures } = report;
  const misses = missesOf(report).length;
  return [
    `Measured ${date.toISOString().slice(0, 10)} by \`npm run bench -- ${quick ? '--quick ' : ''}--docs\` on ${describeMachine(machine)}.`,
    '',
    ...CONDITIONS.map((condition) => `- ${condition}`),
    '',
    line('', HEADINGS),
    `|${' --- |'.repeat(8)}`,
    ...rows.map((row, index) =>
      line(row.benchmark === rows[index - 1]?.benchmark ? '' : row.benchmark, cellsOf(row)),
    ),
    '',
    `${rows.filter(({ goal }) => goal !== undefined).length - misses} goals are met, ${misses} are missed.`,
    ...failures.map((failure) => `Failed: ${failure}`),
  ].join('\n');
}

function line(
  benchmark: string,
  { figure, value, spread, limit, ratio, goal, mark }: Cells,
): string {
  const bold = mark === 'MISSED' ? '**missed**' : mark;
  return `| ${[benchmark, figure, value, spread, limit, ratio, goal, bold].join(' | ')} |`;
}
