/** Where one server of Redis listens. */
export type Endpoint = HostAndPort | { readonly path: string };

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** What REDIS_URL says. */
export interface RedisAddress {
  readonly tls: boolean;
  readonly endpoint: Endpoint;
  /** The number of the database. */
  readonly database: number;
  readonly username?: string;
  readonly password?: string;
}

const DEFAULT_PORT = 6379;

/** Redis counts databases in an int; `--databases` is far below. */
const DATABASE = /^\/\d{1,9}$/;

/**
 * Reads `redis://user:password@host:port/number` or `unix:///path/of/the.sock` completely. ioredis takes
 * what it understands and ignores the rest: a path that is no number ends in database NaN, a parameter in
 * some option.
 *
 * @throws what is wrong, without the URL: it may contain a password
 */
export function parseRedisUrl(value: string): RedisAddress {
  if (/^unix:/i.test(value)) return parseSocketUrl(value);
  if (!/^rediss?:\/\//i.test(value) || !URL.canParse(value)) {
    throw new Error(
      'is not a valid URL: use redis://host:port, rediss://host:port or unix:///path/of/the.sock',
    );
  }
  const url = new URL(value);
  const username = decode(url.username);
  const password = decode(url.password);
  return {
    tls: url.protocol === 'rediss:',
    endpoint: hostOf(url),
    database: databaseOf(url),
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
  };
}

/** The path is taken as it stands: nothing in it is decoded. */
function parseSocketUrl(value: string): RedisAddress {
  const path = /^unix:\/\/(\/[^?#]*[^?#/])$/i.exec(value)?.[1];
  if (path === undefined) {
    throw new Error(
      'is not the path of a socket: use unix:///path/of/the.sock, without a user, a database or parameters',
    );
  }
  return { tls: false, endpoint: { path }, database: 0 };
}

function hostOf({ hostname, port }: URL): HostAndPort {
  if (hostname === '') throw new Error('names no host: use redis://host:port');
  if (port === '0') throw new Error('has port 0: use the port that Redis listens on');
  return { host: withoutBrackets(hostname), port: port === '' ? DEFAULT_PORT : Number(port) };
}

/** Only a URL has brackets around an IPv6 address. */
function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
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

/** A host name, an IPv4 address, or an IPv6 address in brackets; maybe a port. */
const NODE = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i;

/**
 * Reads a list such as `redis-0:7000, redis-1:7000, [::1]:7000`.
 *
 * @throws what is wrong, without the text: it may contain a password
 */
export function parseNodes(value: string, defaultPort: number): HostAndPort[] {
  return value.split(',').map((text, index) => {
    const [, hostname, digits = String(defaultPort)] = NODE.exec(text.trim()) ?? [];
    const port = Number(digits);
    if (hostname !== undefined && port > 0 && port < 65_536) {
      return { host: withoutBrackets(hostname), port };
    }
    throw new Error(
      `entry ${index + 1} is not host:port: separate the nodes with commas, without redis:// and credentials`,
    );
  });
}
