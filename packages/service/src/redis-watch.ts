import { key } from '@openfero/core/redis/keys';
import type { Logger } from './log.ts';
import type { RedisConnection } from './redis.ts';
import { connectionFailure } from './redis.ts';
import { NOT_CONNECTED, type RedisFailure, redisFailureOf, refusalOf } from './redis-errors.ts';
import { createRefusals } from './redis-refusals.ts';
import { script } from './script.ts';

/** Milliseconds between two probes. One takes 0.1 ms of Redis. */
const PROBE_INTERVAL = 1000;

/** Knows whether a service can use its Redis, and logs each change once. */
export interface RedisWatch {
  /** Why it cannot, in one line; undefined if it can. */
  problem(): string | undefined;
  /** The same, but undefined while a command should be tried again. */
  refusing(): string | undefined;
  /** Takes the error of a command. @returns whether Redis refused it, so it needs no line of its own */
  note(error: unknown): boolean;
  stop(): void;
}

export interface WatchOptions {
  /** All must be open. */
  readonly connections: readonly RedisConnection[];
  /** One command or script that Redis refuses as it would refuse the service's own. */
  readonly probe: () => Promise<unknown>;
  readonly log: Logger;
  /** Called when Redis can be used: at the start, and again after each problem. */
  readonly onUsable?: () => unknown;
  /** Called at every refusal. */
  readonly onRefusal?: () => void;
}

/**
 * Watches the connections of a service, and what Redis answers. A Redis that is up can refuse every
 * command: a service that only looks at its connection is ready then, and tries again without a pause.
 */
export function watchRedis(options: WatchOptions): RedisWatch {
  const { connections } = options;
  const refusals = createRefusals(() => performance.now());
  const disconnected = (): RedisFailure | undefined =>
    connections.map(connectionFailure).find((failure) => failure !== undefined);
  const failureNow = (): RedisFailure | undefined => {
    const broken = disconnected();
    const refusal = refusals.current();
    // A replica is reconnected again and again: that is no change.
    return broken === undefined || broken === NOT_CONNECTED ? (refusal ?? broken) : broken;
  };
  /** A connection to a cluster stays open while its other nodes live. */
  const lostOwner = (error: unknown): RedisFailure | undefined =>
    connections.some(({ isCluster }) => isCluster) && disconnected() === undefined
      ? redisFailureOf(error)
      : undefined;
  const tell = createTeller(failureNow, options);
  const refused = (): void => {
    tell();
    options.onRefusal?.();
  };

  const runProbe = async (): Promise<void> => {
    try {
      await options.probe();
      refusals.probeSucceeded();
      tell();
    } catch (error) {
      const failure = refusalOf(error) ?? lostOwner(error);
      // Anything else is a connection that breaks.
      if (failure === undefined) return;
      refusals.probeRefused(failure);
      refused();
    }
  };
  let probing = false;
  const probe = (): void => {
    if (probing || disconnected() !== undefined) return;
    probing = true;
    void runProbe().finally(() => {
      probing = false;
    });
  };
  const onBroken = (): void => {
    if (disconnected() !== undefined) tell();
  };
  for (const redis of connections) {
    redis.on('ready', probe).on('error', onBroken).on('close', onBroken);
  }
  const timer = setInterval(probe, PROBE_INTERVAL);
  timer.unref();
  return {
    problem: () => failureNow()?.problem,
    refusing: () => (refusals.pausing() ? refusals.current()?.problem : undefined),
    note(error) {
      const failure = refusalOf(error);
      if (failure === undefined || failure.kind === 'unknown-script') return false;
      // Otherwise the state of the connection says more: a handshake fails with a reply too.
      if (disconnected() === undefined) {
        refusals.add(failure);
        refused();
        probe();
      }
      return true;
    },
    stop() {
      clearInterval(timer);
      for (const redis of connections) {
        redis.off('ready', probe).off('error', onBroken).off('close', onBroken);
      }
    },
  };
}

/** Logs each change once, not one line per attempt. */
function createTeller(
  failureNow: () => RedisFailure | undefined,
  { log, onUsable }: Pick<WatchOptions, 'log' | 'onUsable'>,
): () => void {
  let told: RedisFailure['kind'] | 'usable' | undefined;
  return () => {
    const failure = failureNow();
    const before = told;
    told = failure?.kind ?? 'usable';
    if (told === before) return;
    if (failure === undefined) {
      log.info('connected to Redis');
      onUsable?.();
    } else if (before === 'usable' && failure.kind === 'unreachable') {
      log.warn('lost the connection to Redis, reconnecting');
    } else {
      log.warn(failure.problem);
    }
  };
}

/**
 * A probe for a service that writes: a script that would change a key, if there were one. Redis refuses
 * it on a replica, in a cluster, without memory, disk or replicas, and to a user without the right.
 */
export function writeProbe(redis: RedisConnection, prefix: string): () => Promise<unknown> {
  const touch = script(redis, "return redis.call('SET', KEYS[1], '', 'XX')");
  return () => touch([probeKey(prefix)], []);
}

/** A probe for a service that reads. */
export function readProbe(redis: RedisConnection, prefix: string): () => Promise<unknown> {
  return () => redis.get(probeKey(prefix));
}

/** A key that never exists. */
const probeKey = (prefix: string): string => key(prefix, 'probe');
