import type { RedisConnection } from '@openfero/service/redis';
import { REPLICAS_DEADLINE_MS } from './limits.ts';
import { tooFewReplicas } from './unavailable.ts';

/**
 * Creates what waits until replicas have everything that this connection has written so far.
 *
 * Redis answers nothing else on a connection that waits, so one WAIT serves all notifications that were
 * stored before it was sent.
 *
 * @param wanted OPENFERO_REDIS_WAIT; 0 waits for nothing
 * @returns what throws {Unavailable} if fewer replicas have it in time, and the errors of ioredis
 */
export function createReplicaWait(redis: RedisConnection, wanted: number): () => Promise<void> {
  if (wanted === 0) return () => Promise.resolve();
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<number> | undefined;

  const afterRunning = async (): Promise<number> => {
    await running.catch(() => undefined);
    const wait = redis.wait(wanted, REPLICAS_DEADLINE_MS);
    running = wait;
    // What is stored from now on needs another one.
    next = undefined;
    return wait;
  };
  return async () => {
    next ??= afterRunning();
    const reached = await next;
    if (reached < wanted) throw tooFewReplicas(reached, wanted);
  };
}
