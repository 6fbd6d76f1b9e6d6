import { codeOf, messageOf } from '@openfero/core/errors';
import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/**
 * Creates a log of JSON lines on stdout. No secret is passed to a log call, so nothing is redacted.
 *
 * @param level LOG_LEVEL
 * @param name of the service
 */
export function createLogger(level: string, name: string): Logger {
  const options = {
    name,
    level,
    base: {},
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError, error: describeError },
  };
  stdout ??= createStdout();
  return pino(options, stdout);
}

let stdout: DestinationStream | undefined;

/**
 * Creates a stream to stdout that writes the lines of one turn of the event loop together: one write
 * per line took a twentieth of a busy worker's time. A process that is killed loses the lines of its
 * last turn.
 */
function createStdout(): DestinationStream {
  const descriptor = pino.destination({ fd: 1, sync: true });
  let lines = '';
  const flush = (): void => {
    if (lines !== '') descriptor.write(lines);
    lines = '';
  };
  process.once('exit', flush);
  return {
    write(line) {
      if (lines === '') setImmediate(flush);
      lines += escaped(line);
    },
  };
}

/**
 * Characters that a terminal obeys, or that turn the direction of the text after them, besides those
 * that JSON escapes: DEL and C1, line separators, marks and overrides of the direction.
 */
const COMMANDS = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Alert text is in many lines. In JSON they are in strings only, where the escape is the same text. */
function escaped(line: string): string {
  return line.search(COMMANDS) === -1 ? line : line.replace(COMMANDS, unicodeEscape);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Type, message and code only: errors of HTTP clients contain headers and bodies. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return messageOf(error);
  const code = codeOf(error);
  return {
    type: error.name,
    message: error.message,
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
  };
}
