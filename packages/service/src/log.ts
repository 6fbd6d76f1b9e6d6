import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/**
 * Logs JSON lines to stdout. Secrets never reach a log call, so nothing is redacted here.
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
  stdout ??= stdoutByTurns();
  return pino(options, stdout);
}

let stdout: DestinationStream | undefined;

/**
 * Writes the lines of one turn of the event loop to stdout at once, at its end or at that of the
 * process: a write for each line was a twentieth of all that a busy worker did. A killed process
 * loses those of the turn that it was in.
 */
function stdoutByTurns(): DestinationStream {
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
      lines += line;
    },
  };
}

/** Message, type and code only: the errors of clients carry headers and bodies. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    message: error.message,
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
  };
}
