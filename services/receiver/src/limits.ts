import type { HttpLimits } from '@openfero/service/http-server';

/**
 * Every limit of the receiver with its reason. While Alertmanager waits for an answer, the whole group
 * waits; after a 5xx it retries. So a quick refusal is better than a late answer.
 */

/**
 * The size of a notification (OPENFERO_BODY_LIMIT): 1,500 alerts with long annotations, of 2 KiB each,
 * or 10,000 with few labels.
 */
export const BODY_LIMIT = '3MiB';

/** Remediations that may wait or be delayed (OPENFERO_MAX_WAITING). 100,000 need 230 MB in Redis. */
export const MAX_WAITING = 100_000;

/**
 * The first three belong together: Node checks its connections only once per interval, and with
 * requestTimeout alone a stalled body stayed open for 60 s. Now it is closed after 2.0 to 2.5 s.
 */
export const HTTP_LIMITS: HttpLimits = {
  requestTimeout: 2000,
  headersTimeout: 1500,
  connectionsCheckingInterval: 500,
  /** A connection stays open for a sender's next groups: an idle one costs little. */
  keepAliveTimeout: 75_000,
};

/** For all that one notification does in Redis. With it, the answer comes within 2 s. */
export const STORE_DEADLINE_MS = 1500;

/**
 * Remediations per transaction. Between two transactions other requests, and the workers in Redis, get
 * their turn. Redis needs 0.05 ms per remediation.
 */
export const CHUNK = 500;

/**
 * The part of maxmemory above which nothing is accepted: workers need memory to take a remediation
 * from the queue. At maxmemory itself they took none (2,529 waited, 47,681 errors in 12 s).
 */
export const FULLNESS_LIMIT = 0.75;

/** INFO takes 0.04 ms. At full speed, 14,000 remediations of 2 KiB, a second adds less than 30 MB. */
export const FULLNESS_INTERVAL_MS = 1000;

/** Characters of a group key in the log: grouping by many labels makes it long. */
export const LOGGED_GROUP_KEY = 200;
