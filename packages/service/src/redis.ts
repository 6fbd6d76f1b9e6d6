import type { Cluster, Redis } from 'ioredis';
import { connectCluster } from './redis-cluster.ts';
import {
  connectionFailureOf,
  NOT_CONNECTED,
  type RedisFailure,
  sentinelFailureOf,
} from './redis-errors.ts';
import { type ConnectOptions, connectionOptions } from './redis-options.ts';
import { connectServer } from './redis-server.ts';
import type { RedisSettings } from './redis-settings.ts';

/** A connection to a Redis of any topology. */
export type RedisConnection = Redis | Cluster;

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
  const redis = open(settings, options);
  redis.on('error', (error: Error) => {
    // Each of them has been told of before.
    if (!/^All sentinels are unreachable/.test(error.message)) {
      failures.set(redis, connectionFailureOf(error));
    }
  });
  redis.on('sentinelError', (error: Error) => failures.set(redis, sentinelFailureOf(error)));
  redis.on('ready', () => failures.delete(redis));
  return redis;
}

function open(settings: RedisSettings, options: ConnectOptions): RedisConnection {
  const { topology, tls } = settings;
  const common = connectionOptions(settings, options);
  return topology.kind === 'cluster'
    ? connectCluster(topology, options.kind, common)
    : connectServer(topology, tls, common);
}

/** Returns why the connection is not open, undefined if it is. */
export function connectionFailure(redis: RedisConnection): RedisFailure | undefined {
  return redis.status === 'ready' ? undefined : (failures.get(redis) ?? NOT_CONNECTED);
}
