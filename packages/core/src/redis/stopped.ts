import { readObject } from './json-object.ts';
import { key } from './keys.ts';

/** A hash: operarius to {@link Stopped}, JSON. A field lives as long as its ConfigMap. */
export const stoppedKey = (prefix: string): string => key(prefix, 'stopped');

/** An operarius that runs nothing for a while. Times in milliseconds, Redis' clock. */
export interface Stopped {
  /** Another definition is not stopped. */
  readonly definition: string;
  /** 0: until a person re-arms it. */
  readonly until: number;
  /** How many bad runs in a row stopped it. */
  readonly row: number;
  readonly at: number;
  /** Who re-armed it in the dashboard: `until` is over. A worker then tells it, and clears it away. */
  readonly by?: string;
}

/** Reads a field of `stopped` as hostile input. */
export function readStopped(text: unknown): Stopped | undefined {
  const { definition, until, row, at, by } = readObject(text);
  if (typeof definition !== 'string' || typeof row !== 'number') return undefined;
  if (typeof until !== 'number' || typeof at !== 'number') return undefined;
  return { definition, until, row, at, ...(typeof by === 'string' && { by }) };
}
