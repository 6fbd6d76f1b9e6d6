/** Characters of a quoted value. */
const LONGEST = 60;

/** A value that somebody sent, for a message: short, whatever it is. */
export function shown(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > LONGEST ? `${value.slice(0, LONGEST)}...` : value);
  }
  // Not as JSON: a value can be nested a million times.
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
