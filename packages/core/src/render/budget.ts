import type { Spelt } from './spelling.ts';

/**
 * All variables of a Job over all its containers, in bytes of the request's JSON. An API server
 * refuses Jobs of about 1.5 MB with a message that misleads; a template of 512 KiB and this stay
 * below 1 MiB. Counted as JSON because a control character is one byte in UTF-8 and six in JSON.
 */
export const JOB_BUDGET = 256 * 1024;

/**
 * What a variable that is always there may take of it over all containers: six of them, and the
 * list of what was cut, can never be more than all.
 */
const ALWAYS_SHARE = Math.floor(JOB_BUDGET / 7);

/** The variable that lists what was cut or left out, in bytes per container. */
const LIST_LIMIT = 4 * 1024;

/** JSON writes a byte as six at most: `\u0001`. */
const LONGEST_ESCAPE = 6;

/** An environment variable as a container lists it. */
export type Variable = { readonly name: string; readonly value: string };

/** What is left out when the budget is short, in this order; `always` never is. */
export type Rank = 'alert' | 'annotation' | 'label' | 'always';
const LEFT_OUT: readonly Rank[] = ['alert', 'annotation', 'label'];

export interface Candidate extends Variable {
  readonly rank: Rank;
  /** `not`: too large and of no use when cut, so that it is only listed. */
  readonly given: 'whole' | 'cut' | 'not';
}

/** Who adds a variable: all containers but those that define a variable of its name themselves. */
export interface Containers {
  readonly count: number;
  readonly defining: ReadonlyMap<string, number>;
}

export interface Fitted {
  readonly variables: readonly Variable[];
  /** The names that were cut or left out. */
  readonly truncated: readonly string[];
}

/**
 * Leaves out what {@link JOB_BUDGET} has no room for: the alert as JSON first, then annotations,
 * then labels, of each the largest first.
 *
 * @param listName the variable that lists what was cut or left out, there only if something was
 */
export function fit(
  candidates: readonly Candidate[],
  containers: Containers,
  listName: string,
): Fitted {
  if (fitsForCertain(candidates, containers)) {
    return { variables: candidates.map(plain), truncated: [] };
  }
  const given = candidates.filter((one) => one.given !== 'not');
  const cut = candidates.filter((one) => one.given !== 'whole');
  const total = [...given, ...listOf(listName, cut, containers)].reduce(
    (sum, one) => sum + costOf(one, containers),
    0,
  );
  const out = leftOut(given, containers, total - JOB_BUDGET);
  const kept = given.filter((one) => !out.has(one));
  const truncated = candidates.filter((one) => one.given !== 'whole' || out.has(one));
  return {
    variables: [...kept.map(plain), ...listOf(listName, truncated, containers)],
    truncated: truncated.map((one) => one.name),
  };
}

/** Almost all alerts are far below the budget: to count them exactly was a quarter of rendering. */
function fitsForCertain(candidates: readonly Candidate[], { count }: Containers): boolean {
  let most = 0;
  for (const { name, value, given } of candidates) {
    if (given !== 'whole') return false;
    most += mostOf(name, value);
  }
  return most * count <= JOB_BUDGET;
}

/**
 * Shortens the value of a variable that is always there to its share.
 *
 * @param spell gives the value in at most that many bytes of UTF-8
 */
export function shareOf(
  name: string,
  containers: Containers,
  spell: (limit?: number) => Spelt,
): Spelt {
  const share = perContainer(ALWAYS_SHARE, containers);
  const fits = ({ text }: Spelt): boolean =>
    mostOf(name, text) <= share || sizeOf(name, text) <= share;
  const whole = spell();
  if (fits(whole)) return whole;
  const room = share - sizeOf(name, '');
  const shorter = spell(room);
  return fits(shorter) ? shorter : spell(Math.floor(room / LONGEST_ESCAPE));
}

function leftOut(
  candidates: readonly Candidate[],
  containers: Containers,
  excess: number,
): ReadonlySet<Candidate> {
  const out = new Set<Candidate>();
  if (excess <= 0) return out;
  // The list grows with every name that is left out: it gets its full size at once.
  let missing = excess + listLimit(containers) * containers.count;
  for (const one of inOrder(candidates, containers)) {
    if (missing <= 0) break;
    missing -= costOf(one, containers);
    out.add(one);
  }
  return out;
}

function inOrder(candidates: readonly Candidate[], containers: Containers): readonly Candidate[] {
  const costs = new Map(candidates.map((one) => [one, costOf(one, containers)]));
  const cost = (one: Candidate): number => costs.get(one) ?? 0;
  return LEFT_OUT.flatMap((rank) =>
    candidates
      .filter((one) => one.rank === rank && cost(one) > 0)
      .sort((a, b) => cost(b) - cost(a)),
  );
}

function listOf(
  name: string,
  truncated: readonly Candidate[],
  containers: Containers,
): readonly Variable[] {
  if (truncated.length === 0) return [];
  const names = truncated.map((one) => one.name).join(' ');
  const room = listLimit(containers) - sizeOf(name, '');
  return [{ name, value: names.length <= room ? names : shortened(names, room) }];
}

/** Whole names only, and a last word that says there are more. */
function shortened(names: string, room: number): string {
  const end = names.lastIndexOf(' ', room - MORE.length);
  return `${names.slice(0, Math.max(0, end))}${MORE}`;
}
const MORE = ' ...';

function listLimit(containers: Containers): number {
  return Math.min(LIST_LIMIT, perContainer(ALWAYS_SHARE, containers));
}

function perContainer(bytes: number, { count }: Containers): number {
  return Math.floor(bytes / Math.max(1, count));
}

function costOf(one: Variable, { count, defining }: Containers): number {
  return sizeOf(one.name, one.value) * (count - (defining.get(one.name) ?? 0));
}

const AROUND = '{"name":,"value":},'.length;

/** Bytes of a variable in the request, where names are ASCII and need no escape. */
function sizeOf(name: string, value: string): number {
  return AROUND + name.length + 2 + Buffer.byteLength(JSON.stringify(value));
}

/** No variable has more bytes: what is no escape has three at most for a unit of UTF-16. */
function mostOf(name: string, value: string): number {
  return AROUND + name.length + 4 + LONGEST_ESCAPE * value.length;
}

function plain({ name, value }: Variable): Variable {
  return { name, value };
}
