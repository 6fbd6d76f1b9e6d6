import { type RedisOptions as AllOptions, type Command, Redis } from 'ioredis';
import { isUnavailable, refusalOf } from './redis-errors.ts';
import { PRODUCER_SILENCE_MS, type RedisOptions, reconnectDelay } from './redis-options.ts';
import type { RedisSettings, RedisTopology } from './redis-settings.ts';

type OneServer = Exclude<RedisTopology, { kind: 'cluster' }>;

/** Milliseconds until a sentinel that was lost is listened to again; ioredis would wait for a minute. */
const SENTINEL_RECONNECT_MS = 2000;

/** Connects to a server, or to the one that the sentinels name. */
export function connectServer(
  topology: OneServer,
  tls: RedisSettings['tls'],
  options: RedisOptions,
) {
  return guardHandshake(new BatchingRedis({ ...options, ...addressOptions(topology, tls) }));
}

function addressOptions(topology: OneServer, tls: RedisSettings['tls']): RedisOptions {
  if (topology.kind === 'server') return { ...topology.endpoint, db: topology.database };
  const { sentinels, master, username, password } = topology;
  return {
    sentinels: [...sentinels],
    name: master,
    ...(username !== undefined && { sentinelUsername: username }),
    ...(password !== undefined && { sentinelPassword: password }),
    ...(tls !== undefined && { sentinelTLS: { ...tls }, enableTLSForSentinelMode: true }),
    // Leaves a master as soon as it was replaced. Without it, one that was frozen and comes back takes
    // writes for another 10 s, which are lost: 610 to 1,530 of 5,000 acknowledged alerts.
    failoverDetector: true,
    sentinelRetryStrategy: reconnectDelay,
    sentinelReconnectStrategy: () => SENTINEL_RECONNECT_MS,
    sentinelCommandTimeout: PRODUCER_SILENCE_MS,
  };
}

class BatchingRedis extends Redis {
  /** BullMQ's blocking connection. */
  override duplicate<Override extends Partial<AllOptions> | undefined = undefined>(
    override?: Override,
  ) {
    return guardHandshake(super.duplicate(override));
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

type Guarded = Pick<Redis, 'select' | 'emit' | 'disconnect' | 'sendCommand' | 'status'>;

function guardHandshake<T extends Guarded>(redis: T): T {
  guardDatabase(redis);
  const sendCommand = redis.sendCommand.bind(redis);
  redis.sendCommand = (...[command, pipeline]: Parameters<Redis['sendCommand']>) => {
    if (command.name === 'info' && redis.status === 'connect') allowRefusal(command);
    return sendCommand(command, pipeline);
  };
  return redis;
}

/**
 * Ends a connection whose SELECT is refused. ioredis emits an error, and then works in database 0. With
 * a promise that never settles, the handshake does not either, so no other command is sent.
 */
function guardDatabase(redis: Guarded): void {
  const select = redis.select.bind(redis);
  redis.select = (...args: Parameters<Redis['select']>) =>
    select(...args).catch((error: unknown) => {
      if (refusalOf(error) === undefined) throw error;
      redis.emit('error', error);
      redis.disconnect(true);
      return new Promise<never>(() => {});
    });
}

/**
 * Of the handshake's INFO, which tells whether Redis still loads its data. ioredis never gets ready with a
 * Redis that has renamed the command; without an answer, the first commands tell.
 */
function allowRefusal(command: Command): void {
  const reject = command.reject;
  command.reject = (error) => {
    if (isUnavailable(error)) command.resolve('');
    else reject(error);
  };
}
