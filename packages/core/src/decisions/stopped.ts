import type { Operarius } from '../operarius/operarius.ts';
import type { Stopped } from '../redis/stopped.ts';

/** Whether an operarius of that definition is stopped. @param now milliseconds, Redis' clock */
export function isStopped(
  stopped: Stopped | undefined,
  definition: string,
  now: number,
): stopped is Stopped {
  return stopped !== undefined && stopped.definition === definition && isLasting(stopped, now);
}

/** Whether a stop is not over. @param now milliseconds, Redis' clock */
export const isLasting = ({ until }: Stopped, now: number): boolean => until === 0 || until > now;

/** Why an operarius runs nothing, and what to do; undefined where it runs. */
export function whyStopped(
  stopped: Stopped | undefined,
  { name, definition }: Pick<Operarius, 'name' | 'definition'>,
  now: number,
): string | undefined {
  return isStopped(stopped, definition, now) ? stoppedText(name, stopped) : undefined;
}

/** That an operarius is stopped, in words. */
function stoppedText(name: string, { row, at, until }: Omit<Stopped, 'definition'>): string {
  const time = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
  const till = until === 0 ? 'a person re-arms it' : time(until);
  return `ConfigMap ${name} is stopped since ${time(at)}, after ${row} bad runs in a row, until ${till}: correct it, or annotate it with openfero.io/rearm`;
}
