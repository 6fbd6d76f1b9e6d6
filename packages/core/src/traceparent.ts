/**
 * The place of a span in its trace, as W3C Trace Context writes it in the header `traceparent`: version,
 * trace, span, flags. Of version 00, the only one there is.
 */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Reads it as hostile input: a header, a payload, an annotation. Undefined where it is none. */
export function readTraceparent(value: unknown): string | undefined {
  return typeof value === 'string' && TRACEPARENT.test(value) ? value : undefined;
}
