import type { Logger } from '@openfero/service/log';

/** Logs a warning, unless there were too many of late. */
export type BoundedWarn = (fields: object, message: string) => void;

/** Lets some lines through in each interval. The next one has the number of those left out. */
export function boundWarnings(
  log: Logger,
  { lines, intervalMs }: { readonly lines: number; readonly intervalMs: number },
): BoundedWarn {
  let since = Number.NEGATIVE_INFINITY;
  let logged = 0;
  let leftOut = 0;
  return (fields, message) => {
    const now = performance.now();
    if (now - since >= intervalMs) {
      since = now;
      logged = 0;
    }
    if (logged === lines) {
      leftOut += 1;
      return;
    }
    log.warn(leftOut === 0 ? fields : { ...fields, leftOut }, message);
    logged += 1;
    leftOut = 0;
  };
}
