import { type Figure, figureOf, isMet, type Row } from '../row.ts';

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
  const figure = figureOf(row);
  const { value, limit } = figure;
  const [min, max] = [Math.min(...row.rounds), Math.max(...row.rounds)];
  return {
    figure: row.note === undefined ? row.figure : `${row.figure} (${row.note})`,
    value: `${numeral(value)} ${row.unit}`,
    spread: row.rounds.length > 1 ? `${numeral(min)} – ${numeral(max)}` : '',
    limit: row.limit === undefined ? '' : `${numeral(limit)} ${row.limit.of}`,
    ratio: row.limit === undefined ? '' : ratioOf(row, figure),
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

function ratioOf(row: Row, { ratio, interval }: Figure): string {
  const asFactor = row.lowerIsBetter === true || ratio >= 1.5;
  const text = (value: number): string =>
    asFactor ? numeral(value) : String(Math.round(value * 100));
  const between = interval === undefined ? '' : ` (${interval.map(text).join(' – ')})`;
  return `${text(ratio)} ${asFactor ? '×' : '%'}${between}`;
}

function markOf(row: Row): string {
  const met = isMet(row);
  if (met === undefined) return '';
  return met ? 'met' : 'MISSED';
}
