import type { RedisOptions as AllOptions } from 'ioredis';
import { redisFailureOf } from './redis-errors.ts';
import type { RedisSettings } from './redis-settings.ts';

/** The type parameter is about the mapping of replies, which we never change. */
export type RedisOptions = Omit<AllOptions, 'replyMapping'>;

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

/** BullMQ's own retryStrategy waits up to 20 s: consumers were back 17 s after Redis. */
const MAX_RECONNECT_DELAY_MS = 2000;

/** A server that hangs never answers our FIN: ioredis would wait 2 s for it. */
const DISCONNECT_TIMEOUT_MS = 100;

/** A connection that is not open by then never will be. */
const CONNECT_TIMEOUT_MS = 2000;

/** Commands are outstanding and no byte arrives: the connection is dead. Includes the handshake. */
export const PRODUCER_SILENCE_MS = 1500;

/** The same for a consumer: longer than BullMQ's BZPOPMIN may block, which is 10 s. */
const CONSUMER_SILENCE_MS = 15_000;

/** Between two reconnections because of a refused write: a replica that stays one would cause ten a second. */
const REFUSED_RECONNECT_MS = 1000;

/** The options of a connection to one server, whichever that is. */
export function connectionOptions(settings: RedisSettings, options: ConnectOptions): RedisOptions {
  const { username, password, tls } = settings;
  return {
    ...(tls !== undefined && { tls: { ...tls } }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(options.kind === 'producer' ? producerOptions(options) : CONSUMER_OPTIONS),
    connectionName: options.name,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    retryStrategy: reconnectDelay,
    reconnectOnError: createReplacedCheck(),
  };
}

/** @returns milliseconds until the next attempt */
export function reconnectDelay(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS);
}

/** What a primary that was replaced in a failover answers: as a replica, or before it knows. */
const REPLACED: ReadonlySet<unknown> = new Set(['read-only', 'too-few-replicas']);

/** Whether to reconnect: that asks the sentinels again, or resolves the address again. */
function createReplacedCheck(): (error: Error) => boolean {
  let last = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (!REPLACED.has(redisFailureOf(error)?.kind)) return false;
    const now = performance.now();
    if (now - last < REFUSED_RECONNECT_MS) return false;
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
