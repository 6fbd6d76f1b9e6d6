import { type RedisOptions as AllOptions, Redis } from 'ioredis';
import type { Logger } from './log.ts';
import { redisFailureOf } from './redis-errors.ts';
import type { RedisSettings } from './settings.ts';

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

/**
 * Connects to Redis and reconnects for ever: it never throws. Each change of state is logged once.
 *
 * BullMQ 6.7 takes the instance as `connection`. Queue shares it and leaves it open at close(): see
 * openQueue. Worker shares it for its commands and duplicates it for the blocking one, and refuses an
 * instance whose maxRetriesPerRequest is not null. Give it `skipVersionCheck: true` and `prefix`,
 * never `keyPrefix` and never commandTimeout: the duplicate inherits it, and its BZPOPMIN blocks for
 * seconds.
 */
export function connectRedis(settings: RedisSettings, options: ConnectOptions, log: Logger): Redis {
  const redis = new BatchingRedis(settings.url, redisOptions(settings, options));
  logChanges(redis, log);
  return redis;
}

/**
 * Writes the commands of one turn of the event loop to the socket together. ioredis writes each on its
 * own: one system call each here, one read each in Redis, and one fsync for what each read brings.
 */
class BatchingRedis extends Redis {
  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    const { stream } = this;
    if (stream?.writableCorked === 0) {
      stream.cork();
      setImmediate(() => stream.uncork());
    }
    return super.sendCommand(...args);
  }
}

/** Returns why Redis cannot be used now, undefined if it can. */
export function redisProblem(redis: Redis): string | undefined {
  return redis.status === 'ready' ? undefined : REDIS_NOT_REACHABLE;
}

export const REDIS_NOT_REACHABLE =
  'Redis is not reachable: check that it is running and that REDIS_URL is correct';

function redisOptions(settings: RedisSettings, options: ConnectOptions): RedisOptions {
  return {
    ...(options.kind === 'producer' ? producerOptions(options) : CONSUMER_OPTIONS),
    connectionName: options.name,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS),
    // After a failover the old primary is read-only: reconnecting resolves the address again.
    reconnectOnError: (error) => redisFailureOf(error) === 'read-only',
    ...(settings.username !== undefined && { username: settings.username }),
    ...(settings.password !== undefined && { password: settings.password }),
    ...(settings.ca !== undefined && { tls: { ca: settings.ca } }),
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

/** Logs one line when the connection is lost and one when it is back, not one per attempt. */
function logChanges(redis: Redis, log: Logger): void {
  let lost = false;
  redis.on('error', (error: Error) => {
    if (lost) return;
    lost = true;
    log.warn({ err: error }, 'Redis is not reachable, retrying');
  });
  redis.on('close', () => {
    if (lost || redis.status === 'end') return;
    lost = true;
    log.warn('lost the connection to Redis, reconnecting');
  });
  redis.on('ready', () => {
    lost = false;
    log.info('connected to Redis');
  });
}
