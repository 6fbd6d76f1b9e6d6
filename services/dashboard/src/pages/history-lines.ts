import { Readable } from 'node:stream';
import type { Handled, Row } from '@openfero/core/history/row';
import { helpedOf, stateOf } from '@openfero/core/history/state';

/** Rows as JSON lines, for machines. Written while they are read, so that 100,000 take little memory. */
export function historyLines(rows: readonly Row[], now: number): Readable {
  return Readable.from(linesOf(rows, now));
}

function* linesOf(rows: readonly Row[], now: number): Generator<string> {
  for (const row of rows) yield `${JSON.stringify(lineOf(row, now))}\n`;
}

function lineOf(row: Row, now: number): object {
  const { since, cursor, heard, firing, resolved, marks: _own, ...identity } = row;
  return {
    ...identity,
    since: timeOf(since),
    heard: heard && { ...heard, at: timeOf(heard.at) },
    helped: helpedOf(row),
    firing: firing && handledOf(firing, now),
    resolved: resolved && handledOf(resolved, now),
    cursor,
  };
}

function handledOf(handled: Handled, now: number): object {
  const { id, operarius, receivedAt, end, job } = handled;
  const { fate } = job ?? {};
  return {
    id,
    operarius,
    state: stateOf(handled, {}, now).kind,
    receivedAt: receivedAt && timeOf(receivedAt),
    outcome: end?.outcome,
    reason: end?.reason,
    warnings: end?.warnings,
    endedAt: end && timeOf(end.at),
    job: job?.name,
    jobCreatedAt: job?.createdAt && timeOf(job.createdAt),
    fate: fate?.fate,
    fateReason: fate?.reason,
    fateAt: fate && timeOf(fate.endedAt),
  };
}

const timeOf = (ms: number): string => new Date(ms).toISOString();
