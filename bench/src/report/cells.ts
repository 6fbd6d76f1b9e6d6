import { figureOf, isMet, type Row } from '../row.ts';

/** One line of the table as text, for terminal and Markdown. */
export interface Cells {
  readonly figure: string;
  readonly value: string;
  readonly spread: string;
  readonly limit: string;
  readonly ratio: string;
  readonly goal: string;
  readonly mark: string;
}

export const HEADINGS: Cells = {
  figure: 'figure',
  value: 'median',
  spread: 'min – max',
  limit: 'limit',
  ratio: 'ratio',
  goal: 'goal',
  mark: '',
};

export function cellsOf(row: Row): Cells {
  const { value, limit, ratio } = figureOf(row);
  const [min, max] = [Math.min(...row.rounds), Math.max(...row.rounds)];
  return {
    figure: row.note === undefined ? row.figure : `${row.figure} (${row.note})`,
    value: `${numeral(value)} ${row.unit}`,
    spread: row.rounds.length > 1 ? `${numeral(min)} – ${numeral(max)}` : '',
    limit: row.limit === undefined ? '' : `${numeral(limit)} ${row.limit.of}`,
    ratio: row.limit === undefined ? '' : ratioOf(row, ratio),
    goal: row.goal?.text ?? '',
    mark: markOf(row),
  };
}

/** Three significant digits: a benchmark is not more precise. */
export function numeral(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(Math.abs(value) < 1 ? 2 : 3)));
}

function ratioOf(row: Row, ratio: number): string {
  const asFactor = row.lowerIsBetter === true || ratio >= 1.5;
  return asFactor ? `${numeral(ratio)} ×` : `${Math.round(ratio * 100)} %`;
}

function markOf(row: Row): string {
  const met = isMet(row);
  if (met === undefined) return '';
  return met ? 'met' : 'MISSED';
}
