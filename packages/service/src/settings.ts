import { readFileSync } from 'node:fs';
import { DEFAULT_PREFIX } from '@openfero/core/redis/keys';

/** What settings are parsed from. Only a server.ts reads the process' own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One line that starts with the variable's name, says what is wrong and what to do. */
export class InvalidSetting extends Error {
  constructor(name: string, problem: string) {
    super(`${name}: ${problem}`);
  }
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export interface RedisSettings {
  /** redis:// or rediss://. May hold a password: never log it. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM of the authority that signed Redis' certificate. */
  readonly ca?: string;
}

/** What every service is told. */
export interface CommonSettings {
  readonly redis: RedisSettings;
  readonly prefix: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Variables that look like ours and are none: to be warned of. */
  readonly unknown: readonly string[];
}

/**
 * Reads what every service needs.
 *
 * @throws {InvalidSetting} naming the first variable that is wrong or missing
 */
export function readCommonSettings(env: Environment, defaultPort: number): CommonSettings {
  return Object.freeze({
    redis: readRedisSettings(env),
    prefix: readPrefix(env),
    logLevel: oneOf(env, 'LOG_LEVEL', LOG_LEVELS, 'info'),
    host: text(env, 'HOST') ?? '0.0.0.0',
    port: integer(env, 'PORT', { fallback: defaultPort, min: 0, max: 65_535 }),
    unknown: Object.freeze(unknownSettings(env)),
  });
}

/** @throws {InvalidSetting} where REDIS_URL is missing or anything about Redis is wrong */
export function readRedisSettings(env: Environment): RedisSettings {
  const address = url(env, 'REDIS_URL', ['redis:', 'rediss:']);
  if (address === undefined) throw new InvalidSetting('REDIS_URL', 'is missing: set redis://host');
  const username = text(env, 'REDIS_USERNAME');
  const password = secret(env, 'REDIS_PASSWORD');
  const ca = readCa(env, address);
  return Object.freeze({
    url: address,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(ca !== undefined && { ca }),
  });
}

function readCa(env: Environment, address: string): string | undefined {
  const path = text(env, 'REDIS_CA_FILE');
  if (path === undefined) return undefined;
  if (!address.startsWith('rediss:')) {
    throw new InvalidSetting('REDIS_CA_FILE', 'needs TLS: set REDIS_URL to rediss://...');
  }
  return readTextFile('REDIS_CA_FILE', path);
}

function readPrefix(env: Environment): string {
  const prefix = text(env, 'OPENFERO_QUEUE_PREFIX') ?? DEFAULT_PREFIX;
  if (/^[A-Za-z0-9_{}.-]+$/.test(prefix)) return prefix;
  throw new InvalidSetting('OPENFERO_QUEUE_PREFIX', 'may hold letters, digits and _ . - { } only');
}

/** An empty variable counts as unset, as compose files and charts leave them. */
export function text(env: Environment, name: string): string | undefined {
  return env[name] || undefined;
}

/** @throws {InvalidSetting} where it is unset */
export function required(env: Environment, name: string): string {
  const value = text(env, name);
  if (value === undefined) throw new InvalidSetting(name, 'is missing: set it');
  return value;
}

/** @throws {InvalidSetting} where it is no whole number between the bounds */
export function integer(
  env: Environment,
  name: string,
  { fallback, min, max }: { fallback: number; min: number; max: number },
): number {
  const value = text(env, name);
  if (value === undefined) return fallback;
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new InvalidSetting(name, `${quote(value)} is no whole number from ${min} to ${max}`);
}

/** @throws {InvalidSetting} where it is neither true nor false */
export function boolean(env: Environment, name: string, fallback: boolean): boolean {
  return oneOf(env, name, ['true', 'false'], fallback ? 'true' : 'false') === 'true';
}

const UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/**
 * Reads a size such as `3MiB`, `512KiB` or `1048576`.
 *
 * @returns bytes
 * @throws {InvalidSetting} where it is none, or 0
 */
export function size(env: Environment, name: string, fallback: string): number {
  const value = text(env, name) ?? fallback;
  const [, digits, unit = 'B'] = /^(\d{1,12})(B|KiB|MiB|GiB)?$/.exec(value) ?? [];
  const bytes = Number(digits) * (UNITS[unit] ?? Number.NaN);
  if (bytes > 0 && bytes <= Number.MAX_SAFE_INTEGER) return bytes;
  throw new InvalidSetting(
    name,
    `${quote(value)} is no size: write it as 3MiB, 512KiB or in bytes`,
  );
}

/** @throws {InvalidSetting} where it is none of the values */
export function oneOf<const T extends string>(
  env: Environment,
  name: string,
  values: readonly T[],
  fallback: T,
): T {
  const value = text(env, name) ?? fallback;
  const found = values.find((each) => each === value);
  if (found !== undefined) return found;
  throw new InvalidSetting(name, `${quote(value)} is not known: use ${values.join(', ')}`);
}

/**
 * Reads a secret from NAME or from the file that NAME_FILE names, without its trailing newline.
 *
 * @throws {InvalidSetting} where both are set or the file cannot be read; never with the value
 */
export function secret(env: Environment, name: string): string | undefined {
  const value = text(env, name);
  const path = text(env, `${name}_FILE`);
  if (path === undefined) return value;
  if (value !== undefined) {
    throw new InvalidSetting(name, `is set and so is ${name}_FILE: keep one of them`);
  }
  const content = readTextFile(`${name}_FILE`, path).replace(/\r?\n$/, '');
  if (content === '') throw new InvalidSetting(`${name}_FILE`, `${quote(path)} is empty`);
  return content;
}

/** @throws {InvalidSetting} where it is no URL of these protocols (`redis:`); never with the value */
function url(env: Environment, name: string, protocols: readonly string[]): string | undefined {
  const value = text(env, name);
  if (value === undefined) return undefined;
  if (URL.canParse(value) && protocols.includes(new URL(value).protocol)) return value;
  const examples = protocols.map((protocol) => `${protocol}//host`).join(' or ');
  // Not quoted: a URL may hold a password.
  throw new InvalidSetting(name, `is no such URL: write ${examples}`);
}

/** @throws {InvalidSetting} naming the variable where the file cannot be read */
export function readTextFile(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new InvalidSetting(name, `cannot read ${quote(path)} (${code})`);
  }
}

function quote(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}...` : value);
}

/** Of all services: one environment may serve several, so each service knows every name. */
const KNOWN = new Set(
  `QUEUE_PREFIX AUTH AUTH_USER AUTH_PASSWORD AUTH_PASSWORD_FILE AUTH_TOKEN AUTH_TOKEN_FILE
  TLS_CERT_FILE TLS_KEY_FILE TLS_CLIENT_CA_FILE BODY_LIMIT MAX_WAITING
  CLUSTER CONFIGMAP_NAMESPACE JOB_NAMESPACE LABEL_SELECTOR OPERARII_DIR JOBS_DIR CONCURRENCY
  MODE MATCH DEDUP_BY COOLDOWN REPEAT_AFTER MAX_AGE MAX_ACTIVE_JOBS MAX_ACTIVE_PER_OPERARIUS
  JOB_TTL JOB_DEADLINE DASHBOARD_READ_ONLY`
    .split(/\s+/)
    .map((name) => `OPENFERO_${name}`),
);

/** Kubernetes puts these into every pod for each Service, one named openfero-receiver among them. */
const SERVICE_LINK = /_SERVICE_(HOST|PORT)(_\w+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?$/;

/** A typo must not be silent: the variables that begin as ours do and mean nothing. */
export function unknownSettings(env: Environment): string[] {
  return Object.keys(env).filter(
    (name) => name.startsWith('OPENFERO_') && !KNOWN.has(name) && !SERVICE_LINK.test(name),
  );
}
