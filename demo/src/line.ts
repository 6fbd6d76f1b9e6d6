import { styleText } from 'node:util';
import { FAILURES } from '@openfero/core/outcome';
import type { LogLine } from '@openfero/testkit/process';
import type { ServiceName } from './options.ts';

/** As wide as the longest outcome, `invalid-operarius`. */
const OUTCOME_WIDTH = 17;

/**
 * Turns a line of a service's log into a line for people.
 *
 * @returns undefined for a line that is of interest only in operation
 */
export function readable(service: ServiceName, line: LogLine): string | undefined {
  const text =
    describeOutcome(line) ??
    describeFate(line) ??
    describeOperarius(line) ??
    describeProblem(service, line);
  return text && `  ${timeOf(line)}  ${text}`;
}

/** What became of an alert. */
function describeOutcome(line: LogLine): string | undefined {
  const { outcome, alertname = 'unreadable alert', status, reason, operarius, job } = line;
  const { warnings } = line;
  if (typeof outcome !== 'string') return undefined;
  const isFailure = FAILURES.some((failure) => failure === outcome);
  const word = styleText(isFailure ? 'red' : 'green', outcome.padEnd(OUTCOME_WIDTH));
  const alert = status === undefined ? alertname : `${alertname} (${status})`;
  const details = [
    // Where there is nothing more to say, the reason repeats the outcome.
    ...(reason && reason !== outcome ? [reason] : []),
    ...(job ? [`Job ${job}`] : []),
    ...(operarius ? [`operarius ${operarius}`] : []),
    ...(Array.isArray(warnings) ? warnings : []),
  ];
  return `${word}  ${printable(`${alert}: ${details.join('; ')}`)}`;
}

/** How a Job ended. */
function describeFate({ fate, job, reason, seconds }: LogLine): string | undefined {
  if (typeof fate !== 'string') return undefined;
  const word = styleText(fate === 'failed' ? 'red' : 'green', `Job ${fate}`.padEnd(OUTCOME_WIDTH));
  const took = typeof seconds === 'number' ? `after ${Math.round(seconds)} s` : '';
  return `${word}  ${printable([`${job}: ${took}`, reason].filter(Boolean).join('; '))}`;
}

/** What the worker says about an operarius, for example after it has checked it. */
function describeOperarius({ operarius, msg, ...more }: LogLine): string | undefined {
  if (typeof operarius !== 'string') return undefined;
  const { alertname, problem, reason, warnings } = more;
  const details = [alertname, problem, reason, ...(Array.isArray(warnings) ? warnings : [])];
  const word = 'operarius'.padEnd(OUTCOME_WIDTH);
  return `${word}  ${printable([`${operarius}: ${msg}`, ...details.filter(Boolean)].join('; '))}`;
}

const PROBLEM_LEVELS = ['warn', 'error', 'fatal'];

function describeProblem(service: ServiceName, line: LogLine): string | undefined {
  const { level = '', msg, reason, error } = line;
  if (!PROBLEM_LEVELS.includes(level)) return undefined;
  const details = [reason, error].filter((detail) => typeof detail === 'string');
  const word = service.padEnd(OUTCOME_WIDTH);
  return `${word}  ${level}: ${printable([msg, ...details].join('; '))}`;
}

function timeOf({ time }: LogLine): string {
  const date = new Date(String(time));
  return Number.isNaN(date.getTime()) ? '--:--:--' : date.toTimeString().slice(0, 8);
}

/** The text of an alert must not control the terminal. */
function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
