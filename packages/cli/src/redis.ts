import { once } from 'node:events';
import { connectRedis, type RedisConnection } from '@openfero/service/redis';
import { connectionFailureOf } from '@openfero/service/redis-errors';
import { readPrefix, readRedisSettings } from '@openfero/service/redis-settings';
import { withSettings } from './settings.ts';
import { CouldNotAsk, type Terminal } from './terminal.ts';

type Environment = Terminal['env'];

/** Milliseconds per command: a person waits for it. */
const COMMAND_TIMEOUT = 10_000;

/** Whether a person has said where Redis is. */
export function isRedisGiven(env: Environment): boolean {
  return ['REDIS_URL', 'REDIS_SENTINELS', 'REDIS_CLUSTER_NODES'].some((name) => env[name]);
}

/** The Redis of OpenFero. */
export interface OpenRedis {
  readonly redis: RedisConnection;
  readonly prefix: string;
}

/**
 * Connects, calls it, and disconnects.
 *
 * @throws {CouldNotAsk} where Redis is not configured or not reachable
 */
export async function withRedis<T>(
  env: Environment,
  use: (open: OpenRedis) => Promise<T>,
): Promise<T> {
  const { settings, prefix } = withSettings(() => ({
    settings: readRedisSettings(env),
    prefix: readPrefix(env),
  }));
  const redis = connectRedis(settings, {
    kind: 'producer',
    name: 'openfero-cli',
    commandTimeoutMs: COMMAND_TIMEOUT,
  });
  try {
    await once(redis, 'ready');
  } catch (error) {
    redis.disconnect();
    throw new CouldNotAsk(connectionFailureOf(error).problem);
  }
  try {
    return await use({ redis, prefix });
  } finally {
    redis.disconnect();
  }
}
