import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Access } from '@openfero/cluster/kubernetes/access';
import { readKubeconfig } from '@openfero/cluster/kubernetes/kubeconfig';
import { readAccess } from '@openfero/cluster/kubernetes/read-access';
import { createLogger, type Logger } from '@openfero/service/log';
import { connectRedis, type RedisConnection } from '@openfero/service/redis';
import { connectionFailureOf } from '@openfero/service/redis-errors';
import { readPrefix, readRedisSettings } from '@openfero/service/redis-settings';
import { withSettings } from './settings.ts';
import { CouldNotAsk, type Terminal } from './terminal.ts';

type Environment = Terminal['env'];

/** Milliseconds per command: a person waits for it. */
const COMMAND_TIMEOUT = 10_000;

/** The Redis of OpenFero. */
export interface OpenRedis {
  readonly redis: RedisConnection;
  readonly prefix: string;
}

/** Of what the command uses: it says itself what is wrong. */
export const silentLog = (): Logger => createLogger('silent', 'openfero');

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

/**
 * How to reach the cluster, as kubectl finds it: `--context`, KUBECONFIG, else ~/.kube/config, else the pod.
 * Unlike a worker a person means the cluster of their own kubeconfig.
 *
 * @throws {CouldNotAsk}
 */
export function accessOf(env: Environment, context: string | undefined): Access {
  const own = join(env['HOME'] ?? homedir(), '.kube', 'config');
  return withSettings(() => {
    const path = env['KUBECONFIG'] || (existsSync(own) ? own : undefined);
    return path === undefined ? readAccess(env) : readKubeconfig(path, context);
  });
}
