import { figureOf, isMet, type Row } from '../row.ts';
import { numeral } from './cells.ts';
import { describeMachine } from './machine.ts';
import type { Report } from './report.ts';

const WIDTH = 960;
const LABELS = 350;
const BARS = 330;
const ROW = 24;
const TOP = 56;
const BAR = 12;

/**
 * Every rate as a bar; the full length is its limit. Colours follow the reader's light or dark theme.
 */
export function chart(report: Report): string {
  const rows = report.rows.filter((row) => row.limit !== undefined && row.lowerIsBetter !== true);
  const height = TOP + rows.length * ROW + 34;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Rates of OpenFero and their limits">`,
    STYLE,
    text(0, 18, 'Rates and their limits, measured in the same rounds', 'title'),
    text(0, 38, `${report.date.toISOString().slice(0, 10)}, ${describeMachine(report.machine)}`),
    ...rows.flatMap((row, index) => bar(row, TOP + index * ROW)),
    scale(TOP + rows.length * ROW),
    '</svg>',
    '',
  ].join('\n');
}

const STYLE = `<style>
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: 600; }
  .limit { fill: #d0d7de; } .ours { fill: #1f6feb; } .missed { fill: #bc4c00; }
  .scale { stroke: #57606a; stroke-width: 1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .limit { fill: #30363d; } .ours { fill: #58a6ff; } .missed { fill: #f0883e; }
    .scale { stroke: #8b949e; }
  }
</style>`;

/** The scale ends at 1.2 times the limit: two workers exceed the limit of one. */
const LONGEST = 1.2;

function bar(row: Row, y: number): string[] {
  const { value, limit, ratio } = figureOf(row);
  const full = BARS / LONGEST;
  const width = Math.max(1, Math.min(LONGEST, Number.isFinite(ratio) ? ratio : 0) * full);
  const colour = isMet(row) === false ? 'missed' : 'ours';
  const numbers = `${numeral(value)} of ${numeral(limit)} ${row.unit} (${Math.round(ratio * 100)} %)`;
  return [
    text(0, y + BAR, `${row.benchmark}: ${row.figure}`),
    rectangle({ x: LABELS, y: y + 1, width: full }, 'limit'),
    rectangle({ x: LABELS, y: y + 1, width }, colour),
    text(LABELS + BARS + 10, y + BAR, numbers),
  ];
}

function scale(y: number): string {
  const marks = [0, 0.5, 1].map((share) => {
    const x = LABELS + (share * BARS) / LONGEST;
    const line = `<line class="scale" x1="${x}" y1="${TOP - 4}" x2="${x}" y2="${y}"/>`;
    return line + text(x - 4, y + 16, share === 1 ? 'limit' : `${share * 100} %`);
  });
  return marks.join('\n');
}

function rectangle(
  { x, y, width }: { readonly x: number; readonly y: number; readonly width: number },
  className: string,
): string {
  return `<rect class="${className}" x="${x}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`;
}

function text(x: number, y: number, content: string, className = 'text'): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text class="${className}" x="${x}" y="${y}">${escaped}</text>`;
}
