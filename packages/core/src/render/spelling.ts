/**
 * One value, in bytes of UTF-8 after doubling. Linux cannot execute an environment string over
 * 128 KiB (E2BIG): the pod would never start.
 */
export const VALUE_LIMIT = 32 * 1024;

/** One name, in characters: a longer one is cut, and counts towards the same 128 KiB. */
export const NAME_LIMIT = 256;

/** A text as it can be given to a container. */
export interface Spelt {
  readonly text: string;
  /** It could not be given in full. */
  readonly cut: boolean;
}

/**
 * Spells a text as the value of an environment variable, so that the program in the container reads
 * the text itself: Kubernetes expands `$(NAME)` in values and makes `$` of `$$`, so each `$` is
 * doubled. What no environment can hold goes: NUL is removed, half a surrogate pair replaced.
 *
 * @param limit bytes of UTF-8 after doubling
 */
export function spellValue(text: string, limit: number = VALUE_LIMIT): Spelt {
  // Cut before as well: doubling megabytes of `$` takes seconds.
  const plain = cutText(plainText(text), limit);
  const doubled = cutText(plain.text.replaceAll('$', '$$$$'), limit);
  return { text: withoutHalfDollar(doubled.text), cut: plain.cut || doubled.cut };
}

/** The text without NUL, which neither C nor YAML can hold, and without half surrogate pairs. */
export function plainText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}

/** Cuts a text at a character so that it has at most `limit` bytes of UTF-8. */
export function cutText(text: string, limit: number): Spelt {
  if (Buffer.byteLength(text) <= limit) return { text, cut: false };
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(limit));
  return { text: text.slice(0, read), cut: true };
}

/** A doubled `$` that was cut in its middle would join whatever follows. One that was not has two. */
function withoutHalfDollar(text: string): string {
  let dollars = 0;
  while (text.at(-1 - dollars) === '$') dollars += 1;
  return dollars % 2 === 0 ? text : text.slice(0, -1);
}

/**
 * Makes an environment name of each text, no two alike and none of those taken: legal everywhere,
 * `[A-Za-z_][A-Za-z0-9_]*`, as long as the prefix is.
 *
 * Of texts that meet in one name the one with the fewest replaced characters keeps it, ties by
 * their order; the others, and any that meets a taken name, get the next free `_2`, `_3`. Numbers
 * are given when every name is settled: `a_2` is never displaced by `a.`.
 *
 * @param texts label or annotation names
 * @param taken names that none of them may have
 * @param reserved what begins with it is not theirs, taken or not: they get a number there, too
 * @returns the names, in the order of the texts
 */
export function variableNames(
  prefix: string,
  texts: readonly string[],
  taken: Iterable<string> = [],
  reserved?: string,
): readonly string[] {
  const used = new Set(taken);
  const isReserved = (name: string): boolean => reserved !== undefined && name.startsWith(reserved);
  const names: string[] = new Array(texts.length);
  const losers: Wish[] = [];
  for (const wish of ranked(prefix, texts)) {
    if (used.has(wish.name) || isReserved(wish.name)) losers.push(wish);
    else names[wish.at] = use(wish.name, used);
  }
  const next = new Map<string, number>();
  for (const { at, name } of losers) names[at] = use(numbered(name, used, next), used);
  return names;
}

/** The name that a text would like to have. */
interface Wish {
  readonly at: number;
  readonly name: string;
  readonly replaced: number;
}

function ranked(prefix: string, texts: readonly string[]): readonly Wish[] {
  return texts
    .map((text, at) => wishOf(prefix, text, at))
    .sort((a, b) => a.replaced - b.replaced || a.at - b.at);
}

function wishOf(prefix: string, text: string, at: number): Wish {
  let replaced = 0;
  const spelt = text.replace(/[^A-Za-z0-9_]/gu, () => {
    replaced += 1;
    return '_';
  });
  // Upper-cased after the replacement: only ASCII is left, so that `ß` does not become two letters.
  return { at, name: `${prefix}${spelt}`.slice(0, NAME_LIMIT).toUpperCase(), replaced };
}

function use(name: string, used: Set<string>): string {
  used.add(name);
  return name;
}

/** Goes on where the last search for this name ended, or 100,000 labels would take minutes. */
function numbered(name: string, used: ReadonlySet<string>, next: Map<string, number>): string {
  let number = next.get(name) ?? 2;
  while (used.has(`${name}_${number}`)) number += 1;
  next.set(name, number + 1);
  return `${name}_${number}`;
}
