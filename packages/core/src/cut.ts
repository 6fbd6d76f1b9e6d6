const ELLIPSIS = '…';

/** Bytes: quotes, brackets or braces around a value in JSON. */
export const EMPTY_BYTES = 2;

/** A text of bounded length, also in bytes of JSON; never half a character. Cut, it ends with an ellipsis. */
export function cut(text: string, length: number, bytes = Number.POSITIVE_INFINITY): string {
  if (text.length <= length && contentBytes(text) <= bytes) return text;
  let kept = '';
  let left = bytes - contentBytes(ELLIPSIS);
  if (left < 0) return '';
  for (const character of text) {
    left -= contentBytes(character);
    if (left < 0 || kept.length + character.length >= length) break;
    kept += character;
  }
  return kept + ELLIPSIS;
}

/** Of a text in JSON, without the quotes. */
export const contentBytes = (text: string): number => bytesOf(JSON.stringify(text)) - EMPTY_BYTES;

export const bytesOf = (text: string): number => Buffer.byteLength(text);

/** Texts, each cut at `length` characters, of which the last that have no room in JSON are left out. */
export function fitting(texts: readonly string[], length: number, bytes: number): string[] {
  let left = bytes;
  const kept: string[] = [];
  for (const text of texts) {
    const one = cut(text, length);
    left -= bytesOf(JSON.stringify(one)) + 1;
    if (left < 0) break;
    kept.push(one);
  }
  return kept;
}
