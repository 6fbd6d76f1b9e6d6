import type { Cluster } from '@openfero/cluster/cluster';
import { messageOf } from '@openfero/core/errors';
import { readGlobalSwitch } from '@openfero/core/operarius/global-switch';
import { type Policy, strictest } from '@openfero/core/operarius/policy';
import {
  FORGET_WORKER_AFTER,
  type PublishedWorker,
  readPublishedWorker,
  WORKER_INTERVAL,
  workersKey,
} from '@openfero/core/redis/published';
import type { Logger } from '@openfero/service/log';
import type { RedisConnection } from '@openfero/service/redis';
import { WORKER_NAME } from '../worker-name.ts';
import type { EpisodeMemory } from './memory.ts';

export interface PresenceDependencies {
  readonly cluster: Pick<Cluster, 'operarii' | 'watchAges'>;
  readonly redis: RedisConnection;
  readonly memory: Pick<EpisodeMemory, 'now'>;
  readonly settings: {
    readonly prefix: string;
    readonly policy: Pick<Policy, 'mode'>;
    readonly configMapNamespace: string;
    readonly jobNamespace: string;
  };
  readonly version: string;
}

/**
 * Publishes that this worker is alive, which mode it obeys and how fresh its watches are, for the pages of
 * the dashboard. Removes workers that stopped without a word.
 *
 * @returns what stops it: the worker is no longer listed
 */
export function startPresence(deps: PresenceDependencies, log: Logger): () => Promise<void> {
  const { redis, memory, settings } = deps;
  const hash = workersKey(settings.prefix);
  let startedAt: number | undefined;

  const publish = async (): Promise<void> => {
    if (redis.status !== 'ready') return;
    const now = await memory.now();
    startedAt ??= now;
    const worker = describeWorker(deps, startedAt, now);
    await redis.hset(hash, WORKER_NAME, JSON.stringify(worker));
    const others = await redis.hgetall(hash);
    const gone = Object.keys(others).filter((name) => {
      const at = readPublishedWorker(others[name])?.at ?? 0;
      return now - at > FORGET_WORKER_AFTER;
    });
    if (gone.length > 0) await redis.hdel(hash, ...gone);
  };
  const run = (): void =>
    void publish().catch((error) =>
      log.debug({ problem: messageOf(error) }, 'this worker was not published'),
    );
  const timer = setInterval(run, WORKER_INTERVAL);
  // At the start, and after Redis has lost everything.
  redis.on('ready', run);
  run();
  return async () => {
    clearInterval(timer);
    if (redis.status === 'ready') await redis.hdel(hash, WORKER_NAME).catch(() => undefined);
  };
}

function describeWorker(
  { cluster, settings, version }: PresenceDependencies,
  startedAt: number,
  at: number,
): PublishedWorker {
  const { policy, configMapNamespace: namespace, jobNamespace } = settings;
  const { mode: switched, reason } = readGlobalSwitch(cluster.operarii.globalSwitch());
  const mode = strictest(policy.mode, switched);
  const watchAge =
    Math.max(0, ...Object.values(cluster.watchAges()).filter(Number.isFinite)) * 1000;
  const source = mode === switched ? reason : 'OPENFERO_MODE';
  return { v: 1, version, startedAt, at, mode, source, watchAge, namespace, jobNamespace };
}
