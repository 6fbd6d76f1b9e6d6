import { readFileSync } from 'node:fs';
import { codeOf } from '@openfero/core/errors';
import type { Logger } from './log.ts';

/** Where settings are read from. Only server.ts passes the environment of the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Settings are wrong: a line for each, with the variable, what is wrong with it and what to do. */
export class InvalidSettings extends Error {
  readonly lines: readonly string[];
  constructor(lines: readonly string[]) {
    super(lines.join('\n'));
    this.lines = lines;
  }
}

/** One setting is wrong. */
export class InvalidSetting extends InvalidSettings {
  constructor(name: string, problem: string) {
    super([`${name}: ${problem}`]);
  }
}

type Readers<T> = { readonly [Name in keyof T]: () => T[Name] };

/**
 * Calls all readers and returns what they read, under the same names. Somebody who starts a service
 * learns everything that is wrong at once.
 *
 * @throws {InvalidSetting} if one setting is wrong
 * @throws {InvalidSettings} if several are
 */
export function readEach<T extends object>(readers: Readers<T>): Readonly<T> {
  const values: Partial<T> = {};
  const wrong: InvalidSettings[] = [];
  for (const name in readers) {
    try {
      values[name] = readers[name]();
    } catch (error) {
      if (!(error instanceof InvalidSettings)) throw error;
      wrong.push(error);
    }
  }
  if (isComplete(values, readers)) return Object.freeze(values);
  throw together(wrong);
}

/** Each line once: two readers may need the same setting. */
function together(wrong: readonly InvalidSettings[]): InvalidSettings {
  const lines = [...new Set(wrong.flatMap((error) => error.lines))];
  const [first] = wrong;
  return first !== undefined && lines.length === 1 ? first : new InvalidSettings(lines);
}

function isComplete<T extends object>(values: Partial<T>, readers: Readers<T>): values is T {
  return Object.keys(readers).every((name) => Object.hasOwn(values, name));
}

/** An empty variable counts as unset: Compose files and Helm charts leave such. */
export function text(env: Environment, name: string): string | undefined {
  return env[name] || undefined;
}

/** @throws {InvalidSetting} if it is unset */
export function required(env: Environment, name: string): string {
  const value = text(env, name);
  if (value === undefined) throw new InvalidSetting(name, 'is missing: set it');
  return value;
}

/** @throws {InvalidSetting} if it is not a whole number within the bounds */
export function integer(
  env: Environment,
  name: string,
  { fallback, min, max }: { fallback: number; min: number; max: number },
): number {
  const value = text(env, name);
  if (value === undefined) return fallback;
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new InvalidSetting(name, `${quote(value)} is not a whole number from ${min} to ${max}`);
}

/** @throws {InvalidSetting} if it is neither true nor false */
export function boolean(env: Environment, name: string, fallback: boolean): boolean {
  return oneOf(env, name, ['true', 'false'], fallback ? 'true' : 'false') === 'true';
}

const UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/**
 * Reads a size such as `3MiB`, `512KiB` or `1048576`.
 *
 * @returns bytes
 * @throws {InvalidSetting} if it is not a size, or 0
 */
export function size(env: Environment, name: string, fallback: string): number {
  const value = text(env, name) ?? fallback;
  const [, digits, unit = 'B'] = /^(\d{1,12})(B|KiB|MiB|GiB)?$/.exec(value) ?? [];
  const bytes = Number(digits) * (UNITS[unit] ?? Number.NaN);
  if (bytes > 0 && bytes <= Number.MAX_SAFE_INTEGER) return bytes;
  throw new InvalidSetting(
    name,
    `${quote(value)} is not a size: use bytes, or a unit as in 512KiB or 3MiB`,
  );
}

/** @throws {InvalidSetting} if it is none of the values */
export function oneOf<const T extends string>(
  env: Environment,
  name: string,
  values: readonly T[],
  fallback: T,
): T {
  const value = text(env, name) ?? fallback;
  const found = values.find((each) => each === value);
  if (found !== undefined) return found;
  throw new InvalidSetting(name, `${quote(value)} is not valid: use ${values.join(', ')}`);
}

/**
 * Reads a secret from NAME or from the file that NAME_FILE names, without its trailing newline.
 *
 * @throws {InvalidSetting} if both are set or the file cannot be read; the value is never quoted
 */
export function secret(env: Environment, name: string): string | undefined {
  const value = text(env, name);
  const path = text(env, `${name}_FILE`);
  if (path === undefined) return value;
  if (value !== undefined) {
    throw new InvalidSetting(name, `is set, and ${name}_FILE too: remove one of them`);
  }
  const content = readTextFile(`${name}_FILE`, path).replace(/\r?\n$/, '');
  if (content === '') throw new InvalidSetting(`${name}_FILE`, `the file ${quote(path)} is empty`);
  return content;
}

/** @throws {InvalidSetting} naming the variable if the file cannot be read */
export function readTextFile(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new InvalidSetting(
      name,
      `cannot read ${quote(path)} (${codeOf(error) ?? 'unknown error'})`,
    );
  }
}

function quote(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}...` : value);
}

/** Kubernetes sets these in every Pod for each Service, for one named openfero-receiver too. */
const SERVICE_LINK = /_SERVICE_(HOST|PORT)(_\w+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?$/;

/**
 * The variables that start with OPENFERO_ and that no service reads.
 *
 * @param known the OPENFERO_ variables of all services: they may share one environment
 */
export function unknownSettings(env: Environment, known: ReadonlySet<string>): string[] {
  return Object.keys(env).filter(
    (name) => name.startsWith('OPENFERO_') && !known.has(name) && !SERVICE_LINK.test(name),
  );
}

/** Warns of each variable that {@link unknownSettings} finds: a misspelled one has no effect. */
export function warnOfUnknownSettings(
  env: Environment,
  known: ReadonlySet<string>,
  log: Logger,
): void {
  for (const variable of unknownSettings(env, known)) {
    log.warn({ variable }, 'unknown environment variable, ignored: check its spelling');
  }
}
