import { messageOf } from '@openfero/core/errors';

/**
 * What went wrong at a command:
 * disconnected: the connection broke, or there was none.
 * timed-out: Redis did not answer within the time limit per command.
 * out-of-memory: maxmemory is reached.
 * unknown-script: the script cache is empty, as after a restart.
 * read-only: this is a replica, as after a failover.
 */
export type RedisFailure =
  | 'disconnected'
  | 'timed-out'
  | 'out-of-memory'
  | 'unknown-script'
  | 'read-only';

const TEXTS: readonly (readonly [RedisFailure, RegExp])[] = [
  ['disconnected', /max retries per request|Connection is closed|isn't writeable/],
  ['timed-out', /Command timed out/],
  // Inside a transaction it is wrapped in another error's text.
  ['out-of-memory', /\bOOM\b/],
  ['unknown-script', /NOSCRIPT/],
  ['read-only', /^READONLY/],
];

/**
 * Classifies an error of Redis or of ioredis by its text: neither has codes.
 *
 * @returns undefined for every other error
 */
export function redisFailureOf(error: unknown): RedisFailure | undefined {
  const message = messageOf(error);
  return TEXTS.find(([, text]) => text.test(message))?.[0];
}
