import type { Entry } from './entry.ts';

/** What an audit is made of. */
export const KINDS = [
  ...(['end', 'held', 'fate', 'effect', 'asked', 'decided'] as const),
  ...(['stopped', 'rearmed', 'act', 'mode', 'definition'] as const),
] as const satisfies readonly Entry['kind'][];

/**
 * An entry as a line of JSON, for an audit. Its names are those of the entry and stay; times are in RFC 3339.
 * `at` is when it happened: of an end or a fate the same as `endedAt`.
 *
 * @param id of the entry in the stream
 */
export function auditLine(id: string, entry: Entry): object {
  const at = 'at' in entry ? entry.at : entry.endedAt;
  const fields = Object.entries({ ...entry, at }).flatMap(([name, value]) =>
    TIMES.has(name) ? timeOf(name, value) : [[name, value] as const],
  );
  return { entry: id, at: '', ...Object.fromEntries(fields) };
}

const TIMES: ReadonlySet<string> = new Set(['at', 'until', 'receivedAt', 'createdAt', 'endedAt']);

/** Until 0 is for ever. */
function timeOf(name: string, ms: unknown): (readonly [name: string, time: string])[] {
  return Number(ms) === 0 ? [] : [[name, new Date(Number(ms)).toISOString()]];
}
