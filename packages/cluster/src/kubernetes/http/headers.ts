/** Headers as undici returns them. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Reads `Retry-After`, which is in seconds or a date.
 *
 * @param now milliseconds since 1970
 * @returns milliseconds; undefined where it is neither
 */
export function retryAfterOf(
  header: string | string[] | undefined,
  now: number,
): number | undefined {
  const [value = ''] = [header ?? ''].flat();
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** RFC 7234, 5.5: code, agent, quoted text; one header may hold several, separated by commas. */
const WARNING = /\d{3} [^\s"]+ "((?:[^"\\]|\\.)*)"/g;

/** The texts of all Warning headers. */
export function warningsOf(headers: Headers): string[] {
  return [headers['warning'] ?? []].flat().flatMap((header) =>
    [...header.matchAll(WARNING)].map(([, text = '']) =>
      // Node.js decodes headers as Latin-1, and the server sends UTF-8.
      Buffer.from(text.replace(/\\(.)/g, '$1'), 'latin1').toString(),
    ),
  );
}
