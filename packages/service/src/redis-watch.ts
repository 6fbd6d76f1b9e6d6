import { key } from '@openfero/core/redis/keys';
import type { Redis } from 'ioredis';
import type { Logger } from './log.ts';
import { connectionFailure } from './redis.ts';
import { type RedisFailure, refusalOf } from './redis-errors.ts';
import { script } from './script.ts';

/** Milliseconds between two probes. One takes 0.1 ms of Redis. */
const PROBE_INTERVAL = 1000;

/** Milliseconds without commands after a refusal: the first one, and the longest. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 2000;

/**
 * Milliseconds after a refusal that no probe sees until it counts as mended: within them a worker repeats
 * every command of its own, also for the remediations that it lost (lock 10 s, stalled check 5 s).
 */
const QUIET = 16_000;

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
  readonly connections: readonly Redis[];
  /** One command or script that Redis refuses as it would refuse the service's own. */
  readonly probe: () => Promise<unknown>;
  readonly log: Logger;
  /** Called when Redis can be used: at the start, and again after each problem. */
  readonly onUsable?: () => unknown;
  /** Called at every refusal. */
  readonly onRefusal?: () => void;
}

interface Refusal {
  readonly failure: RedisFailure;
  /** The probe was refused too: its success shows that Redis is mended. */
  readonly probed: boolean;
  /** When Redis last refused a command. */
  readonly at: number;
}

/**
 * Watches the connections of a service, and what Redis answers. A Redis that is up can refuse every
 * command: a service that only looks at its connection is ready then, and tries again without a pause.
 */
export function watchRedis(options: WatchOptions): RedisWatch {
  const { connections, log } = options;
  let refusal: Refusal | undefined;
  let pause = 0;
  let pausedUntil = 0;
  let told: RedisFailure['kind'] | 'usable' | undefined;
  let probing = false;

  const disconnected = (): RedisFailure | undefined =>
    connections.map(connectionFailure).find((failure) => failure !== undefined);
  const failureNow = (): RedisFailure | undefined => disconnected() ?? refusal?.failure;

  const tell = (): void => {
    const failure = failureNow();
    const before = told;
    told = failure?.kind ?? 'usable';
    if (told === before) return;
    if (failure === undefined) {
      log.info('connected to Redis');
      options.onUsable?.();
    } else if (before === 'usable' && failure.kind === 'unreachable') {
      log.warn('lost the connection to Redis, reconnecting');
    } else {
      log.warn(failure.problem);
    }
  };
  const refuse = (failure: RedisFailure, probed: boolean): void => {
    const now = performance.now();
    if (now >= pausedUntil) {
      pause = Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, 2 * pause));
      pausedUntil = now + pause;
    }
    refusal = { failure, probed, at: now };
    tell();
    options.onRefusal?.();
  };
  const mendedBy = (now: number): boolean =>
    refusal !== undefined && (refusal.probed || now - refusal.at > QUIET);
  const probe = async (): Promise<void> => {
    if (probing || disconnected() !== undefined) return;
    probing = true;
    try {
      await options.probe();
      if (mendedBy(performance.now())) {
        refusal = undefined;
        pause = 0;
      }
      tell();
    } catch (error) {
      const failure = refusalOf(error);
      // Anything else is a connection that breaks.
      if (failure !== undefined) refuse(failure, true);
    } finally {
      probing = false;
    }
  };

  const onReady = (): void => void probe();
  const onBroken = (): void => {
    if (disconnected() !== undefined) tell();
  };
  for (const redis of connections) {
    redis.on('ready', onReady).on('error', onBroken).on('close', onBroken);
  }
  const timer = setInterval(onReady, PROBE_INTERVAL);
  timer.unref();
  return {
    problem: () => failureNow()?.problem,
    refusing: () =>
      refusal !== undefined && (refusal.probed || performance.now() < pausedUntil)
        ? refusal.failure.problem
        : undefined,
    note(error) {
      const failure = refusalOf(error);
      if (failure === undefined || failure.kind === 'unknown-script') return false;
      // The state of the connection says more: a handshake fails with a reply too.
      if (disconnected() === undefined) {
        refuse(refusal?.failure ?? failure, refusal?.probed ?? false);
        void probe();
      }
      return true;
    },
    stop() {
      clearInterval(timer);
      for (const redis of connections) {
        redis.off('ready', onReady).off('error', onBroken).off('close', onBroken);
      }
    },
  };
}

/**
 * A probe for a service that writes: a script that would change a key, if there were one. Redis refuses
 * it on a replica, in a cluster, without memory, disk or replicas, and to a user without the right.
 */
export function writeProbe(redis: Redis, prefix: string): () => Promise<unknown> {
  const touch = script(redis, "return redis.call('SET', KEYS[1], '', 'XX')");
  return () => touch([probeKey(prefix)], []);
}

/** A probe for a service that reads. */
export function readProbe(redis: Redis, prefix: string): () => Promise<unknown> {
  return () => redis.get(probeKey(prefix));
}

/** A key that never exists. */
const probeKey = (prefix: string): string => key(prefix, 'probe');
