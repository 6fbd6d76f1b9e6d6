import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/**
 * Logs JSON lines to stdout. Secrets never reach a log call, so nothing is redacted here.
 *
 * @param level LOG_LEVEL
 * @param name of the service
 */
export function createLogger(level: string, name: string): Logger {
  return pino({
    name,
    level,
    base: {},
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describeError, error: describeError },
  });
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
