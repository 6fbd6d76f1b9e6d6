const NEWLINE = 0x0a;

/**
 * Splits a stream of bytes into lines. A line is decoded only once it is complete: a character may
 * arrive in two chunks, and a line in thousands. Text after the last newline is dropped.
 *
 * @param maxBytes of a line; a longer one is an error
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      parts.push(chunk.subarray(start, end));
      yield Buffer.concat(parts).toString();
      [parts, length, start] = [[], 0, end + 1];
    }
    parts.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > maxBytes) throw new Error(`a line is longer than ${maxBytes} bytes`);
  }
}
