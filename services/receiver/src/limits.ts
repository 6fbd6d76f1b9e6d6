/**
 * Every limit of the receiver with its reason. Alertmanager waits for an answer while the whole
 * group waits with it, and repeats what is refused with a 5xx: better soon refused than late.
 */

/**
 * Of a notification (OPENFERO_BODY_LIMIT). An alert with long annotations has 2 KiB: 1,500 of them,
 * or 10,000 with few labels.
 */
export const BODY_LIMIT = '3MiB';

/** Remediations that may wait or be delayed (OPENFERO_MAX_WAITING). 100,000 take 230 MB of Redis. */
export const MAX_WAITING = 100_000;

/**
 * The three go together: Node looks at its connections every interval only, and requestTimeout
 * alone left a stalled body open for 60 s. So: cut after 2.0 to 2.5 s.
 */
export const HTTP_LIMITS = {
  requestTimeout: 2000,
  headersTimeout: 1500,
  connectionsCheckingInterval: 500,
  /** Above the 5 min of Alertmanager's group_interval nothing is won; idle connections cost little. */
  keepAliveTimeout: 75_000,
} as const;

/** Around everything that one notification does in Redis: with it, an answer comes within 2 s. */
export const STORE_DEADLINE_MS = 1500;

/**
 * Remediations per transaction. Between two of them other requests, and workers at Redis, get their
 * turn; Redis itself needs 0.05 ms for each.
 */
export const CHUNK = 500;

/**
 * Above it nothing is taken: workers need memory to take a remediation from the queue, and at
 * maxmemory itself none was taken any more (2,529 waited, 47,681 errors in 12 s).
 */
export const MEMORY_LIMIT = 0.75;

/** INFO takes 0.04 ms. A second of the fastest adding, 14,000 of 2 KiB, is below 30 MB. */
export const MEMORY_INTERVAL_MS = 1000;

/** Of a group key in the log: a group by many labels makes it long. */
export const LOGGED_GROUP_KEY = 200;
