import closeWithGrace from 'close-with-grace';
import { describeError, type Logger } from './log.ts';
import { InvalidSetting } from './settings.ts';

/** Below the 30 s that Kubernetes grants by default. */
const STOP_LIMIT_MS = 20_000;

/** One thing to close, in its turn. */
export type Step = readonly [name: string, close: () => unknown];

/**
 * Stops the process in order on SIGTERM, SIGINT and SIGHUP (exit 0), and on an error that nobody
 * caught (logged, exit 1). A second signal, or the limit, exits at once with 1.
 *
 * @param steps run one after the other; one that fails is logged and does not hinder the next
 * @param limitMs for all of them together
 */
export function stopOn(log: Logger, steps: readonly Step[], limitMs = STOP_LIMIT_MS): void {
  closeWithGrace(
    {
      delay: limitMs,
      logger: false,
      // These are for debuggers and core dumps.
      skip: ['SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGUSR2'],
      onSecondSignal: (signal) => log.warn({ signal }, 'second signal: exiting at once'),
      onSecondError: (error) => log.fatal({ err: error }, 'another error while stopping'),
      onTimeout: () => log.error({ limitMs }, 'not stopped within the limit: exiting'),
    },
    async ({ err, signal }) => {
      if (err === undefined) log.info({ signal }, 'stopping');
      else log.fatal({ err, stack: err.stack }, 'an error that nobody caught: stopping');
      await closeInOrder(log, steps);
      log.info('stopped');
    },
  );
}

async function closeInOrder(log: Logger, steps: readonly Step[]): Promise<void> {
  for (const [name, close] of steps) {
    try {
      await close();
    } catch (error) {
      log.warn({ err: error, step: name }, 'could not close this: going on');
    }
  }
}

/**
 * Runs a service's main function. A wrong setting, or anything else that keeps it from starting, is
 * one line on stderr and exit 1.
 */
export async function runService(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${oneLine(error)}\n`);
    process.exit(1);
  }
}

function oneLine(error: unknown): string {
  if (error instanceof InvalidSetting) return error.message.replaceAll('\n', ' ');
  return `cannot start: ${JSON.stringify(describeError(error))}`;
}
