/** What REDIS_URL says. */
export interface RedisAddress {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  /** The number of the database. */
  readonly database: number;
  readonly username?: string;
  readonly password?: string;
}

const DEFAULT_PORT = 6379;

/** Redis counts databases in an int; `--databases` is far below. */
const DATABASE = /^\/\d{1,9}$/;

/**
 * Reads `redis://user:password@host:port/number` completely. ioredis takes what it understands and
 * ignores the rest: a path that is no number ends in database NaN, a parameter in some option.
 *
 * @throws what is wrong, without the URL: it may contain a password
 */
export function parseRedisUrl(value: string): RedisAddress {
  if (!/^rediss?:\/\//i.test(value) || !URL.canParse(value)) {
    throw new Error('is not a valid URL: use redis://host:port or rediss://host:port');
  }
  const url = new URL(value);
  const username = decode(url.username);
  const password = decode(url.password);
  return {
    tls: url.protocol === 'rediss:',
    ...hostOf(url),
    database: databaseOf(url),
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
  };
}

function hostOf({ hostname, port }: URL): Pick<RedisAddress, 'host' | 'port'> {
  if (hostname === '') throw new Error('names no host: use redis://host:port');
  if (port === '0') throw new Error('has port 0: use the port that Redis listens on');
  // Only a URL has brackets around an IPv6 address.
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: port === '' ? DEFAULT_PORT : Number(port) };
}

function databaseOf({ pathname, search, hash }: URL): number {
  if (search !== '' || hash !== '') {
    throw new Error('must not contain ? or #: in a password, write them as %3F and %23');
  }
  if (pathname === '' || pathname === '/') return 0;
  if (DATABASE.test(pathname)) return Number(pathname.slice(1));
  throw new Error('has a path that is not the number of a database: use redis://host:port/0');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error('has a % in the user or password that encodes nothing: write it as %25');
  }
}
