import type { RedisConnection } from '@openfero/service/redis';

/** Something that a worker looks at again and again. */
export interface Looking {
  readonly look: () => Promise<void>;
  readonly failed: (error: unknown) => void;
  /** Milliseconds between two looks. */
  readonly interval: number;
  /** Whether there is something else than Redis to wait for. */
  readonly isBlocked?: () => boolean;
}

/**
 * Looks again and again, one look at a time. While Redis is unreachable, a look waits for it: more of them would
 * do the same.
 *
 * @returns what stops it
 */
export function startLooking(
  redis: Pick<RedisConnection, 'status'>,
  { look, failed, interval, isBlocked }: Looking,
): () => void {
  let isLooking = false;
  const timer = setInterval(() => {
    if (isLooking || redis.status !== 'ready' || isBlocked?.() === true) return;
    isLooking = true;
    void look()
      .catch(failed)
      .finally(() => {
        isLooking = false;
      });
  }, interval);
  return () => clearInterval(timer);
}
