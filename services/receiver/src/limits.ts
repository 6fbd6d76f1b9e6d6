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

/**
 * What all notifications in progress take, as a multiple of OPENFERO_BODY_LIMIT: beyond it a
 * notification is answered with 503. With 4, a receiver of 256 MiB took 218 MiB at most.
 */
export const ROOM = 4;

/** Bytes that a value of a body takes in memory besides its text, such as an entry of an object. */
export const VALUE_WEIGHT = 64;

/**
 * A body may have one value for each so many bytes of OPENFERO_BODY_LIMIT: 393,216 by default, which
 * take 25 MB. Alertmanager sends at most one for 12 bytes, with many short labels.
 */
export const BYTES_PER_VALUE = 8;

/**
 * Bytes. Most notifications are smaller. Their values are not counted, since they take 1.4 MB at most,
 * and they are taken while large ones are refused because there are too many.
 */
export const SMALL_BODY = 64 * 1024;

/**
 * Alerts in a notification. Alertmanager needs more than 160 bytes for one, so that the default
 * OPENFERO_BODY_LIMIT has room for fewer. To store 20,000 takes all the time that a notification has.
 */
export const MOST_ALERTS = 20_000;

/** Bytes that an alert takes besides its text, until it is stored. */
export const ALERT_WEIGHT = 512;

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
  handshakeTimeout: 3000,
};

/**
 * How long a connection stays open after an answer while the sender still writes its body. A sender
 * whose connection is closed before it has read the answer sees a broken connection, not the answer.
 */
export const LINGER_MS = 3000;

/** For all that one notification does in Redis. With it, the answer comes within 2 s. */
export const STORE_DEADLINE_MS = 1500;

/** For the replicas to have it (OPENFERO_REDIS_WAIT), as a part of that. It takes them some milliseconds. */
export const REPLICAS_DEADLINE_MS = 500;

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

/** Characters of an alertname, of an invalid alert, in the log and in the answer. */
export const LOGGED_ALERTNAME = 200;

/** Characters of a path that does not exist in the log. */
export const LOGGED_PATH = 200;

/** Invalid alerts, warnings, and remediations in an answer: one body can have a million of them. */
export const LISTED = 100;

/** Invalid alerts of one notification in the log. The line of the notification has their number. */
export const LOGGED = 10;

/**
 * Lines about requests that reach no notification, with a wrong path or wrong credentials: scanners
 * send many. The next line has the number of those that were left out.
 */
export const STRAY_LINES = { lines: 10, intervalMs: 10_000 } as const;
