/** More typing errors than these make another word. */
const MAX_DISTANCE = 3;

/** The word that was most likely meant, case aside, or undefined where none is near. */
export function nearest(
  word: string,
  words: readonly string[],
  limit = MAX_DISTANCE,
): string | undefined {
  const [best] = words
    .map((candidate) => ({ candidate, distance: bounded(word.toLowerCase(), candidate) }))
    .filter((found) => found.distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return best?.candidate;
}

/** Whether a word is another one with at most so many typing errors. */
export function isNear(word: string, other: string, limit: number): boolean {
  return bounded(word, other) <= limit;
}

/** A key may have hundreds of characters: one so much longer is another word. */
function bounded(word: string, other: string): number {
  return word.length > other.length + MAX_DISTANCE ? word.length : distance(word, other);
}

/** Levenshtein's: the fewest letters to insert, delete or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[b.length] ?? a.length;
}
