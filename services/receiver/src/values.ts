/**
 * Counts the values of a JSON text without reading them: each opens an object or a list, or follows
 * a comma. What the text takes in memory depends on them: 3 MiB of `{},` become 64 MB.
 *
 * @param text UTF-8, valid JSON or not
 */
export function countValues(text: Buffer): number {
  let count = 0;
  // By index: a loop over the bytes themselves takes ten times as long.
  for (let at = 0; at < text.length; at++) {
    const byte = text[at];
    if (byte === QUOTE) at = endOfString(text, at);
    else if (byte === COMMA || byte === BRACE || byte === BRACKET) count += 1;
  }
  return count;
}

function endOfString(text: Buffer, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const byte = text[at];
    if (byte === BACKSLASH) at += 1;
    else if (byte === QUOTE) return at;
  }
  return text.length;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
