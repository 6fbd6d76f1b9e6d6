import { messageOf } from '@openfero/core/errors';
import { redisFailureOf } from '@openfero/service/redis-errors';
import { STORE_DEADLINE_MS } from './limits.ts';

/** Not all alerts were stored. The message is the answer; the sender should send them again. */
export class Unavailable extends Error {}

/** Redis did not answer within {@link STORE_DEADLINE_MS}. */
export function deadlineExceeded(): Unavailable {
  return new Unavailable(
    `Redis did not store the notification within ${STORE_DEADLINE_MS} ms: check its load, its disk and the network`,
  );
}

/**
 * @param waiting remediations that wait or are delayed
 * @param limit OPENFERO_MAX_WAITING
 */
export function tooManyWaiting(waiting: number, limit: number): Unavailable {
  return new Unavailable(
    `${waiting} remediations are already waiting (OPENFERO_MAX_WAITING is ${limit}): check that the workers are running and why remediations are held`,
  );
}

/** @param wanted OPENFERO_REDIS_WAIT */
export function tooFewReplicas(reached: number, wanted: number): Unavailable {
  return new Unavailable(
    `${reached} of ${wanted} replicas have stored the notification (OPENFERO_REDIS_WAIT is ${wanted}): check the replicas of Redis`,
  );
}

/** @param limit bytes of all bodies */
export function tooMuchInProgress(limit: number): Unavailable {
  return new Unavailable(
    `too many notifications at once: those in progress take all of ${limit} bytes. If this lasts, add receivers`,
  );
}

/** Wraps an error of Redis or of its client. */
export function toUnavailable(error: unknown): Unavailable {
  return error instanceof Unavailable
    ? error
    : new Unavailable(redisFailureOf(error)?.problem ?? messageOf(error), { cause: error });
}
