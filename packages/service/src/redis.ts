import { type RedisOptions as AllOptions, type Cluster, Redis } from 'ioredis';
import {
  connectionFailureOf,
  NOT_CONNECTED,
  type RedisFailure,
  redisFailureOf,
  refusalOf,
} from './redis-errors.ts';
import type { RedisSettings } from './settings.ts';

/** A connection to a Redis of any topology. */
export type RedisConnection = Redis | Cluster;

/** The type parameter is about the mapping of replies, which we never change. */
type RedisOptions = Omit<AllOptions, 'replyMapping'>;

/** BullMQ's own retryStrategy waits up to 20 s: consumers were back 17 s after Redis. */
const MAX_RECONNECT_DELAY_MS = 2000;

/** A server that hangs never answers our FIN: ioredis would wait 2 s for it. */
const DISCONNECT_TIMEOUT_MS = 100;

/** A connection that is not open by then never will be. */
const CONNECT_TIMEOUT_MS = 2000;

/** Commands are outstanding and no byte arrives: the connection is dead. Includes the handshake. */
const PRODUCER_SILENCE_MS = 1500;

/** The same for a consumer: longer than BullMQ's BZPOPMIN may block, which is 10 s. */
const CONSUMER_SILENCE_MS = 15_000;

/** Between two reconnections because of READONLY: a replica that stays one would cause ten a second. */
const READONLY_RECONNECT_MS = 1000;

export interface ConnectOptions {
  /**
   * producer: while Redis is down, commands fail at once and are not repeated.
   * consumer: what BullMQ's Worker needs. Waits for Redis; commands have no time limit.
   */
  readonly kind: 'producer' | 'consumer';
  /** As CLIENT LIST shows it. */
  readonly name: string;
  /** Time limit per command of a producer. Never for a consumer: its blocking command would hit it. */
  readonly commandTimeoutMs?: number;
}

/** Why a connection is not open, until it is. */
const failures = new WeakMap<RedisConnection, RedisFailure>();

/**
 * Connects to Redis and reconnects for ever: it never throws. redis-watch.ts logs and judges its state.
 *
 * BullMQ 6.7 takes the instance as `connection`. Queue shares it and leaves it open at close(): see
 * openQueue. Worker shares it for its commands and duplicates it for the blocking one, and refuses an
 * instance whose maxRetriesPerRequest is not null. Give it `skipVersionCheck: true` and `prefix`,
 * never `keyPrefix` and never commandTimeout: the duplicate inherits it, and its BZPOPMIN blocks for
 * seconds.
 */
export function connectRedis(settings: RedisSettings, options: ConnectOptions): RedisConnection {
  const redis = guardDatabase(new BatchingRedis(redisOptions(settings, options)));
  redis.on('error', (error: Error) => failures.set(redis, connectionFailureOf(error)));
  redis.on('ready', () => failures.delete(redis));
  return redis;
}

/** Returns why the connection is not open, undefined if it is. */
export function connectionFailure(redis: RedisConnection): RedisFailure | undefined {
  return redis.status === 'ready' ? undefined : (failures.get(redis) ?? NOT_CONNECTED);
}

class BatchingRedis extends Redis {
  /** BullMQ's blocking connection. */
  override duplicate<Override extends Partial<AllOptions> | undefined = undefined>(
    override?: Override,
  ) {
    return guardDatabase(super.duplicate(override));
  }

  /**
   * Writes the commands of one turn of the event loop to the socket together. ioredis writes each on
   * its own: one system call each here, one read each in Redis, and one fsync for what each read brings.
   */
  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    const { stream } = this;
    if (stream?.writableCorked === 0) {
      stream.cork();
      setImmediate(() => stream.uncork());
    }
    return super.sendCommand(...args);
  }
}

/**
 * Ends a connection whose SELECT is refused. ioredis emits an error, and then works in database 0. With
 * a promise that never settles, the handshake does not either, so no other command is sent.
 */
function guardDatabase<T extends Pick<Redis, 'select' | 'emit' | 'disconnect'>>(redis: T): T {
  const select = redis.select.bind(redis);
  redis.select = (...args: Parameters<Redis['select']>) =>
    select(...args).catch((error: unknown) => {
      if (refusalOf(error) === undefined) throw error;
      redis.emit('error', error);
      redis.disconnect(true);
      return new Promise<never>(() => {});
    });
  return redis;
}

function redisOptions(settings: RedisSettings, options: ConnectOptions): RedisOptions {
  const { host, port, database, tls, username, password, ca } = settings;
  return {
    ...{ host, port, db: database },
    ...(tls && { tls: ca === undefined ? {} : { ca } }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(options.kind === 'producer' ? producerOptions(options) : CONSUMER_OPTIONS),
    connectionName: options.name,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS),
    reconnectOnError: createReadOnlyCheck(),
  };
}

/** After a failover the old primary is read-only: reconnecting resolves the address again. */
function createReadOnlyCheck(): (error: Error) => boolean {
  let last = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (redisFailureOf(error)?.kind !== 'read-only') return false;
    const now = performance.now();
    if (now - last < READONLY_RECONNECT_MS) return false;
    last = now;
    return true;
  };
}

const CONSUMER_OPTIONS: RedisOptions = {
  maxRetriesPerRequest: null,
  socketTimeout: CONSUMER_SILENCE_MS,
};

function producerOptions(options: ConnectOptions): RedisOptions {
  return {
    enableOfflineQueue: false,
    // Unanswered commands fail together with the connection and are never sent again.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    socketTimeout: PRODUCER_SILENCE_MS,
    ...(options.commandTimeoutMs !== undefined && { commandTimeout: options.commandTimeoutMs }),
  };
}
