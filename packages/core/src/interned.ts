/** Strings of each generation: names and label values that repeat are a few thousand. */
const GENERATION = 20_000;

/**
 * Returns one and the same string for equal ones, so that what repeats in 100,000 rows or 10,000 Jobs is kept once. It
 * knows the strings of late only: after a generation of new ones those that nobody asked for again are
 * forgotten. So texts that never repeat, such as names of pods, do not fill the memory.
 */
export function createInterner(generation = GENERATION): (text: string) => string {
  let young = new Map<string, string>();
  let old = new Map<string, string>();
  return (text) => {
    const known = young.get(text);
    if (known !== undefined) return known;
    if (young.size >= generation) {
      old = young;
      young = new Map();
    }
    const one = old.get(text) ?? text;
    young.set(one, one);
    return one;
  };
}
