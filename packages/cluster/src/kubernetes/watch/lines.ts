const NEWLINE = 0x0a;

/**
 * Splits a stream of bytes into its lines, decoded only once they are whole: a character may come in
 * two pieces, and a line in thousands. What follows the last newline is left out.
 *
 * @param longest bytes; a longer line is an error
 */
export async function* lines(
  chunks: AsyncIterable<Uint8Array>,
  longest: number,
): AsyncGenerator<string> {
  let begun: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      begun.push(chunk.subarray(from, to));
      yield Buffer.concat(begun).toString();
      [begun, length, from] = [[], 0, to + 1];
    }
    begun.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > longest) throw new Error(`a line of more than ${longest} bytes`);
  }
}
