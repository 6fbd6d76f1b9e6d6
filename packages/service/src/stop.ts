import closeWithGrace from 'close-with-grace';
import { describeError, type Logger } from './log.ts';
import { redisFailureOf } from './redis-errors.ts';
import { InvalidSettings } from './settings.ts';

/** Below terminationGracePeriodSeconds, which is 30 s by default. */
const STOP_LIMIT_MS = 20_000;

/** One part of a service, and how to close it. */
export type Closing = readonly [name: string, close: () => unknown];

/**
 * Shuts the process down on SIGTERM, SIGINT and SIGHUP (exit code 0), and on an uncaught error (1). A
 * second signal, or the time limit, ends it immediately (1).
 *
 * @param steps run one after the other; an error of one is logged, then the next one runs
 * @param limitMs for all of them together
 */
export function stopOn(log: Logger, steps: readonly Closing[], limitMs = STOP_LIMIT_MS): void {
  closeWithGrace(
    {
      delay: limitMs,
      logger: false,
      // Signals for debuggers and core dumps.
      skip: ['SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGUSR2'],
      onSecondSignal: (signal) => log.warn({ signal }, 'second signal: exiting immediately'),
      onSecondError: (error) => log.fatal({ err: error }, 'another error during shutdown'),
      onTimeout: () => log.error({ limitMs }, 'shutdown timed out: exiting'),
    },
    async ({ err, signal }) => {
      if (err === undefined) log.info({ signal }, 'stopping');
      else log.fatal({ err, stack: err.stack }, 'uncaught error: stopping');
      await closeInOrder(log, steps);
      log.info('stopped');
    },
  );
}

async function closeInOrder(log: Logger, steps: readonly Closing[]): Promise<void> {
  for (const [name, close] of steps) {
    try {
      await close();
    } catch (error) {
      log.warn({ err: error, step: name }, 'error during shutdown, continuing');
    }
  }
}

/**
 * Runs the main function of a service. If the service cannot start, writes one line per reason to
 * stderr and exits with 1.
 */
export async function runService(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${startProblem(error)}\n`);
    process.exit(1);
  }
}

function startProblem(error: unknown): string {
  if (error instanceof InvalidSettings) {
    return error.lines.map((line) => line.replaceAll('\n', ' ')).join('\n');
  }
  const refused = redisFailureOf(error);
  if (refused !== undefined) return refused.problem;
  return `cannot start: ${JSON.stringify(describeError(error))}`;
}
