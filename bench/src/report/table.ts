import { type Cells, cellsOf, HEADINGS } from './cells.ts';
import { describeMachine } from './machine.ts';
import { CONDITIONS, missesOf, type Report } from './report.ts';

const COLUMNS = ['figure', 'value', 'spread', 'limit', 'ratio', 'goal', 'mark'] as const;

/** The table for a terminal. Missed goals are repeated at the end. */
export function table(report: Report): string {
  return [
    '',
    `${report.date.toISOString().slice(0, 10)}, ${describeMachine(report.machine)}${report.quick ? ', quick' : ''}`,
    ...CONDITIONS,
    '',
    ...alignedRows(report),
    '',
    ...endOf(report),
  ].join('\n');
}

function alignedRows({ rows }: Report): string[] {
  const lines = rows.map((row) => ({ benchmark: row.benchmark, cells: cellsOf(row) }));
  const all = [HEADINGS, ...lines.map(({ cells }) => cells)];
  const widths = COLUMNS.map((column) => Math.max(...all.map((cells) => cells[column].length)));
  const aligned = (cells: Cells): string =>
    COLUMNS.map((column, index) => cells[column].padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  return [
    `  ${aligned(HEADINGS)}`,
    ...lines.flatMap(({ benchmark, cells }, index) => [
      ...(benchmark === lines[index - 1]?.benchmark ? [] : [benchmark]),
      `  ${aligned(cells)}`,
    ]),
  ];
}

function endOf(report: Report): string[] {
  const misses = missesOf(report).map((row) => {
    const { figure, value, limit, ratio, goal } = cellsOf(row);
    const beside = limit === '' ? '' : ` (${ratio} of ${limit})`;
    return `  ${row.benchmark}, ${figure}: ${value}${beside}, goal ${goal}`;
  });
  const met = report.rows.filter(({ goal }) => goal !== undefined).length - misses.length;
  return [
    `${met} goals met, ${misses.length} missed${misses.length > 0 ? ':' : ''}`,
    ...misses,
    ...report.failures.map((failure) => `FAILED: ${failure}`),
  ];
}
