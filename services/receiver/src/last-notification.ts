import { STAMP, stampArguments } from '@openfero/core/redis/published';
import type { RedisConnection } from '@openfero/service/redis';
import { script } from '@openfero/service/script';

/** Milliseconds between two writes: people look at it, and a flood must not pay for it. */
const INTERVAL = 1000;

/** Takes the status code of the response to a notification. Never throws. */
export type OnNotification = (code: number) => void;

/**
 * Creates what records in Redis when the receivers last accepted a notification, and when they last refused
 * one, for the dashboard: no alerts, or no Alertmanager? After the response, so no notification waits for it.
 */
export function recordNotifications(redis: RedisConnection, prefix: string): OnNotification {
  const stamp = script(redis, STAMP);
  const writtenAt = { accepted: Number.NEGATIVE_INFINITY, refused: Number.NEGATIVE_INFINITY };
  return (code) => {
    const kind = code === 200 ? 'accepted' : 'refused';
    const now = performance.now();
    if (redis.status !== 'ready' || now - writtenAt[kind] < INTERVAL) return;
    writtenAt[kind] = now;
    const { keys, args } = stampArguments(prefix, code);
    // The store reports what Redis refuses.
    stamp(keys, args).catch(() => {});
  };
}
