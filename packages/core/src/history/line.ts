import type { Handled, Row } from './row.ts';
import { helpedOf, stateOf } from './state.ts';

/** A row as a line of JSON, for machines: `/history.jsonl`, and `openfero get remediations -o jsonl`. */
export function historyLine(row: Row, now: number): object {
  const { since, cursor, heard, firing, resolved, marks: _marks, text: _text, ...identity } = row;
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
  const { asked, decided, fate } = job ?? {};
  return {
    id,
    operarius,
    state: stateOf(handled, {}, now).kind,
    receivedAt: receivedAt && timeOf(receivedAt),
    outcome: end?.outcome,
    reason: end?.reason,
    warnings: end?.warnings,
    definition: end?.definition,
    endedAt: end && timeOf(end.at),
    job: job?.name,
    askedAt: asked && timeOf(asked.at),
    askedUntil: asked && timeOf(asked.until),
    decision: decided?.decision,
    decidedBy: decided?.by,
    decidedHow: decided?.how,
    decidedAt: decided && timeOf(decided.at),
    jobCreatedAt: fate && timeOf(fate.createdAt),
    fate: fate?.fate,
    fateReason: fate?.reason,
    fateAt: fate && timeOf(fate.endedAt),
    effect: job?.effect?.effect,
    effectAt: job?.effect && timeOf(job.effect.at),
  };
}

const timeOf = (ms: number): string => new Date(ms).toISOString();
