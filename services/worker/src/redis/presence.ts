import type { Cluster } from '@openfero/cluster/cluster';
import { messageOf } from '@openfero/core/errors';
import { type Position, readPosition } from '@openfero/core/operarius/global-switch';
import type { Policy } from '@openfero/core/operarius/policy';
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
import { createModeRecord } from './mode-record.ts';

export interface PresenceDependencies {
  readonly cluster: Pick<Cluster, 'operarii' | 'watchAges' | 'blocked'>;
  readonly redis: RedisConnection;
  readonly memory: Pick<EpisodeMemory, 'now'>;
  readonly settings: {
    readonly prefix: string;
    readonly policy: Pick<Policy, 'mode'>;
    readonly historyCount: number;
    readonly configMapNamespace: string;
    readonly jobNamespace: string;
  };
  readonly version: string;
}

export interface Presence {
  /** Publishes soon: the mode has changed. */
  readonly publish: () => void;
  /** The worker is no longer listed. */
  readonly stop: () => Promise<void>;
}

/**
 * Publishes that this worker is alive, which mode it obeys and how fresh its watches are, for the pages of
 * the dashboard, and records each change of the mode. Removes workers that stopped without a word.
 */
export function startPresence(deps: PresenceDependencies, log: Logger): Presence {
  const { redis, memory, settings, cluster } = deps;
  const hash = workersKey(settings.prefix);
  const recordMode = createModeRecord({ ...settings, redis });
  let startedAt: number | undefined;
  let listed = false;
  let publishing: Promise<void> | undefined;
  let again = false;

  const publishOnce = async (): Promise<void> => {
    // Before the first lists it works on nothing, and does not know whether there is a switch.
    listed ||= cluster.blocked() === undefined;
    if (!listed || redis.status !== 'ready') return;
    const now = await memory.now();
    startedAt ??= now;
    const position = readPosition(settings.policy.mode, cluster.operarii.globalSwitch());
    const since = await recordMode(position, now);
    const worker = describeWorker(deps, position, { startedAt, at: now, since });
    await redis.hset(hash, WORKER_NAME, JSON.stringify(worker));
    const others = await redis.hgetall(hash);
    const gone = Object.keys(others).filter((name) => {
      const at = readPublishedWorker(others[name])?.at ?? 0;
      return now - at > FORGET_WORKER_AFTER;
    });
    if (gone.length > 0) await redis.hdel(hash, ...gone);
  };
  const publish = (): void => {
    again = publishing !== undefined;
    publishing ??= publishOnce()
      .catch((error) => log.debug({ problem: messageOf(error) }, 'this worker was not published'))
      .finally(() => {
        publishing = undefined;
        if (again) publish();
      });
  };
  const timer = setInterval(publish, WORKER_INTERVAL);
  // At the start, and after Redis has lost everything.
  redis.on('ready', publish);
  publish();
  return {
    publish,
    async stop() {
      clearInterval(timer);
      redis.off('ready', publish);
      again = false;
      await publishing;
      if (redis.status === 'ready') await redis.hdel(hash, WORKER_NAME).catch(() => undefined);
    },
  };
}

function describeWorker(
  { cluster, settings, version }: PresenceDependencies,
  { mode, source }: Position,
  { since, ...times }: { startedAt: number; at: number; since: number | undefined },
): PublishedWorker {
  const { configMapNamespace: namespace, jobNamespace } = settings;
  const ages = Object.values(cluster.watchAges()).filter(Number.isFinite);
  const watchAge = Math.max(0, ...ages) * 1000;
  const worker = {
    v: 1,
    version,
    ...times,
    mode,
    source,
    watchAge,
    namespace,
    jobNamespace,
  } as const;
  return since === undefined ? worker : { ...worker, since };
}
