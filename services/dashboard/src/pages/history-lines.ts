import { Readable } from 'node:stream';
import { historyLine } from '@openfero/core/history/line';
import type { Row } from '@openfero/core/history/row';

/** Rows as JSON lines, for machines. Written while they are read, so that 100,000 take little memory. */
export function historyLines(rows: readonly Row[], now: number): Readable {
  return Readable.from(linesOf(rows, now));
}

function* linesOf(rows: readonly Row[], now: number): Generator<string> {
  for (const row of rows) yield `${JSON.stringify(historyLine(row, now))}\n`;
}
