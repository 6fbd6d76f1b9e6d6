import { type RedisOptions as AllOptions, Redis } from 'ioredis';
import type { Logger } from './log.ts';
import type { RedisSettings } from './settings.ts';

/** Its type parameter asks for the kind of replies that we never change. */
type RedisOptions = Omit<AllOptions, 'replyMapping'>;

/** BullMQ's own retryStrategy backs off to 20 s: consumers came back 17 s after Redis did. */
const MAX_RECONNECT_DELAY_MS = 2000;

/** A hung server never answers our FIN: do not wait for it (ioredis would, for 2 s). */
const DISCONNECT_TIMEOUT_MS = 100;

/** A connection that has not opened by then will not. */
const CONNECT_TIMEOUT_MS = 2000;

/** Commands outstanding and not a byte for so long: the connection is dead. Covers the handshake. */
const PRODUCER_SILENCE_MS = 1500;

/** The same for a consumer, above the 10 s that BullMQ's BZPOPMIN may block. */
const CONSUMER_SILENCE_MS = 15_000;

export interface ConnectOptions {
  /**
   * producer: fails at once while Redis is away and repeats nothing.
   * consumer: what BullMQ's Worker needs. Waits for Redis; its commands have no time limit.
   */
  readonly kind: 'producer' | 'consumer';
  /** Shown by CLIENT LIST. */
  readonly name: string;
  /** A producer's limit per command. Never for a consumer: the blocking one would hit it. */
  readonly commandTimeoutMs?: number;
}

/**
 * Connects to Redis and keeps connecting: it never throws and never ends by itself. Changes of
 * state are logged once each.
 *
 * BullMQ 6.7 takes the instance as `connection`. Queue shares it and leaves it open at close();
 * Worker shares it for its commands and duplicates it for the blocking one, and refuses an instance
 * whose maxRetriesPerRequest is not null. Give both `skipVersionCheck: true` and `prefix`: the
 * check's INFO, once failed, leaves a Queue broken for good. Never `keyPrefix` and, for consumers,
 * never commandTimeout: the duplicate takes it over and its BZPOPMIN blocks for seconds.
 */
export function connectRedis(settings: RedisSettings, options: ConnectOptions, log: Logger): Redis {
  const redis = new TogetherRedis(settings.url, redisOptions(settings, options));
  logChanges(redis, log);
  return redis;
}

/**
 * Writes the commands of one turn of the event loop to the socket at once. ioredis writes each by
 * itself: a system call each here, a read each in Redis, and an fsync for as many as it has read.
 */
class TogetherRedis extends Redis {
  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    const { stream } = this;
    if (stream?.writableCorked === 0) {
      stream.cork();
      setImmediate(() => stream.uncork());
    }
    return super.sendCommand(...args);
  }
}

function redisOptions(settings: RedisSettings, options: ConnectOptions): RedisOptions {
  return {
    ...(options.kind === 'producer' ? producer(options) : CONSUMER),
    connectionName: options.name,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS),
    // After a failover the old primary answers READONLY until we look up the address again.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...(settings.username !== undefined && { username: settings.username }),
    ...(settings.password !== undefined && { password: settings.password }),
    ...(settings.ca !== undefined && { tls: { ca: settings.ca } }),
  };
}

const CONSUMER: RedisOptions = {
  maxRetriesPerRequest: null,
  socketTimeout: CONSUMER_SILENCE_MS,
};

function producer(options: ConnectOptions): RedisOptions {
  return {
    enableOfflineQueue: false,
    // What got no answer fails when the connection does and is never sent again behind our back.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    socketTimeout: PRODUCER_SILENCE_MS,
    ...(options.commandTimeoutMs !== undefined && { commandTimeout: options.commandTimeoutMs }),
  };
}

/** One line when Redis goes and one when it comes: never one per attempt. */
function logChanges(redis: Redis, log: Logger): void {
  let lost = false;
  redis.on('error', (error: Error) => {
    if (lost) return;
    lost = true;
    log.warn({ err: error }, 'Redis is not reachable: trying again until it is');
  });
  redis.on('close', () => {
    if (lost || redis.status === 'end') return;
    lost = true;
    log.warn('the connection to Redis is closed: connecting again');
  });
  redis.on('ready', () => {
    lost = false;
    log.info('connected to Redis');
  });
}
