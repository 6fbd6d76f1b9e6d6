import { messageOf } from '@openfero/core/errors';
import { DEFAULT_PREFIX, hashTagOf } from '@openfero/core/redis/keys';
import { type RedisTls, readRedisTls } from './redis-tls.ts';
import { type Endpoint, type HostAndPort, parseNodes, parseRedisUrl } from './redis-url.ts';
import { type Environment, InvalidSetting, readEach, secret, text } from './settings.ts';

/** Where the Redis is that holds everything. */
export type RedisTopology =
  | { readonly kind: 'server'; readonly endpoint: Endpoint; readonly database: number }
  | {
      /** A master and its replicas. The sentinels know which one is the master now. */
      readonly kind: 'sentinel';
      readonly sentinels: readonly HostAndPort[];
      /** The name that the sentinels give to it. */
      readonly master: string;
      /** Of the sentinels. */
      readonly username?: string;
      readonly password?: string;
    }
  | {
      /** A Redis Cluster. One of its nodes has the slot of the hash tag, and so all keys. */
      readonly kind: 'cluster';
      readonly nodes: readonly HostAndPort[];
      readonly hashTag: string;
    };

export interface RedisSettings {
  readonly topology: RedisTopology;
  readonly username?: string;
  readonly password?: string;
  /** Undefined if TLS is off. */
  readonly tls?: RedisTls;
}

const URL = 'REDIS_URL';
const SENTINELS = 'REDIS_SENTINELS';
const MASTER = 'REDIS_SENTINEL_MASTER';
const SENTINEL_USERNAME = 'REDIS_SENTINEL_USERNAME';
const SENTINEL_PASSWORD = 'REDIS_SENTINEL_PASSWORD';
const CLUSTER = 'REDIS_CLUSTER_NODES';
const PREFIX = 'OPENFERO_QUEUE_PREFIX';

/** Exactly one of them says where Redis is. */
const WAYS = [URL, SENTINELS, CLUSTER] as const;

const SENTINEL_PORT = 26_379;
const REDIS_PORT = 6379;

/** @throws {InvalidSettings} naming the variables that are wrong or missing */
export function readRedisSettings(env: Environment): RedisSettings {
  const { place, username, password, tls } = readEach({
    place: () => readPlace(env),
    username: () => text(env, 'REDIS_USERNAME'),
    password: () => secret(env, 'REDIS_PASSWORD'),
    tls: () => readRedisTls(env),
    withoutSentinels: () => refuseWithoutSentinels(env),
  });
  readEach({
    username: () => refuseTwice('USERNAME', place.username, username),
    password: () => refuseTwice('PASSWORD', place.password, password),
  });
  return Object.freeze({
    ...place,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
  });
}

/** The topology, and the credentials that a URL contains. */
type Place = Pick<RedisSettings, 'topology' | 'username' | 'password'>;

function readPlace(env: Environment): Place {
  const [way, ...others] = WAYS.filter((name) => text(env, name) !== undefined);
  if (way === undefined) {
    throw new InvalidSetting(
      URL,
      `is missing: set it, for example to redis://redis:6379, or set ${SENTINELS} and ${MASTER}, or ${CLUSTER}`,
    );
  }
  const [other] = others;
  if (other !== undefined) {
    throw new InvalidSetting(other, `is set, and ${way} too: keep one of ${WAYS.join(', ')}`);
  }
  switch (way) {
    case URL:
      return readServer(env);
    case SENTINELS:
      return { topology: readSentinel(env) };
    case CLUSTER:
      return { topology: readCluster(env) };
  }
}

function readServer(env: Environment): Place {
  const { tls: _, endpoint, database, ...credentials } = parse(env, URL, parseRedisUrl);
  return { topology: { kind: 'server', endpoint, database }, ...credentials };
}

function readSentinel(env: Environment): RedisTopology {
  const { sentinels, master, username, password } = readEach({
    sentinels: () => parse(env, SENTINELS, (value) => parseNodes(value, SENTINEL_PORT)),
    master: () => readMaster(env),
    username: () => text(env, SENTINEL_USERNAME),
    password: () => secret(env, SENTINEL_PASSWORD),
  });
  return {
    kind: 'sentinel',
    sentinels,
    master,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  };
}

function readMaster(env: Environment): string {
  const master = text(env, MASTER);
  if (master !== undefined) return master;
  throw new InvalidSetting(
    MASTER,
    'is missing: set it to the name of the master in the configuration of Sentinel, for example mymaster',
  );
}

function refuseWithoutSentinels(env: Environment): void {
  if (text(env, SENTINELS) !== undefined) return;
  const refuse = (name: string) => () => {
    if (text(env, name) === undefined) return;
    throw new InvalidSetting(name, `has no effect without ${SENTINELS}: set it, or remove ${name}`);
  };
  readEach({
    master: refuse(MASTER),
    username: refuse(SENTINEL_USERNAME),
    password: refuse(SENTINEL_PASSWORD),
    passwordFile: refuse(`${SENTINEL_PASSWORD}_FILE`),
  });
}

function readCluster(env: Environment): RedisTopology {
  const { nodes, hashTag } = readEach({
    nodes: () => parse(env, CLUSTER, (value) => parseNodes(value, REDIS_PORT)),
    hashTag: () => readHashTag(env),
  });
  return { kind: 'cluster', nodes, hashTag };
}

/** Without one, each key is in a slot of its own, and no script could use two of them. */
function readHashTag(env: Environment): string {
  const hashTag = hashTagOf(readPrefix(env));
  if (hashTag !== undefined) return hashTag;
  throw new InvalidSetting(
    PREFIX,
    `needs a part in braces with ${CLUSTER}, as in ${DEFAULT_PREFIX}: all keys must be in one slot`,
  );
}

/** @throws {InvalidSetting} */
export function readPrefix(env: Environment): string {
  const prefix = text(env, PREFIX) ?? DEFAULT_PREFIX;
  if (/^[A-Za-z0-9_{}.-]+$/.test(prefix)) return prefix;
  throw new InvalidSetting(PREFIX, 'may contain only letters, digits and _ . - { }');
}

function parse<T>(env: Environment, name: string, read: (value: string) => T): T {
  try {
    return read(text(env, name) ?? '');
  } catch (error) {
    throw new InvalidSetting(name, messageOf(error));
  }
}

/** Only one of them would be used. */
function refuseTwice(what: string, inUrl: string | undefined, variable: string | undefined): void {
  if (inUrl === undefined || variable === undefined) return;
  throw new InvalidSetting(
    `REDIS_${what}`,
    `is set, and ${URL} contains a ${what.toLowerCase()} too: remove one of them`,
  );
}
