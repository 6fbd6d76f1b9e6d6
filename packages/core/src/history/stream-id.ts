/** The id of a stream's entry: milliseconds by Redis' clock, and a number. Not from 0: that is no id. */
const STREAM_ID = /^(?:0|[1-9]\d{0,19})-(?:0|[1-9]\d{0,19})$/;

export const isStreamId = (text: string): boolean => STREAM_ID.test(text);

/** Orders two ids as the stream does: negative where `a` is older. */
export function compareIds(a: string, b: string): number {
  const dash = a.indexOf('-');
  const otherDash = b.indexOf('-');
  // Neither half has zeros before it: the one with more digits is greater.
  if (dash !== otherDash) return dash - otherDash;
  if (a.length !== b.length && a.slice(0, dash) === b.slice(0, dash)) return a.length - b.length;
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Milliseconds since 1970, by Redis' clock. */
export const timeOfId = (id: string): number => Number(id.slice(0, id.indexOf('-')));
