import type { HttpLimits } from '@openfero/service/http-server';

/** Every limit of the dashboard with its reason. */

/** No request has a long body, and none takes long to send. */
export const HTTP_LIMITS: HttpLimits = {
  requestTimeout: 10_000,
  headersTimeout: 5000,
  connectionsCheckingInterval: 1000,
  keepAliveTimeout: 75_000,
  handshakeTimeout: 5000,
};

/** Per command. A page must not wait for ever. The slowest command, clean of 10,000, took 0.5 s. */
export const COMMAND_TIMEOUT_MS = 3000;

/**
 * Characters of JSON of one payload, or one result, in a list. An ordinary remediation has 1 KiB. A list
 * has up to 1,500 of them (300 of each state); with 10 alerts of 2.9 MB it took the dashboard to 320 MB.
 */
export const LISTED_LENGTH = 8 * 1024;

/** Bull Board's page offers up to 300, its API any number: each job is one round trip. */
export const JOBS_PER_PAGE = 300;

/** Characters of an alertname in the list: alert text can be of any length. */
export const TITLE_LENGTH = 120;

/** Nobody has seen what failed since the page was last drawn, so clean does not remove it. */
export const CLEAN_GRACE_MS = 5000;

/** Seconds after which a browser reloads a page that was not available. */
export const RELOAD_SECONDS = 3;

/**
 * Entries of the history in memory: half as many again as a worker lets the stream have by default, for the
 * nodes that Redis trims as a whole, and for who sets OPENFERO_HISTORY_COUNT higher.
 */
const MOST_ENTRIES = 300_000;

/** Bytes: an entry takes 840 (measured, of 200,000 with 12 labels), and V8 needs room to collect what reading leaves. */
const ENTRY_BYTES = 1_000;

/** Bytes of the heap for all else: 25 MB of young objects, which V8 counts in, and modules and pages. */
const REST_BYTES = 90_000_000;

/**
 * Returns how many entries of the history fit into the heap: a dashboard with little memory shows the
 * newest ones, and does not end.
 *
 * @param heapLimit bytes
 */
export function historyLimit(heapLimit: number): number {
  const fit = Math.floor((heapLimit - REST_BYTES) / ENTRY_BYTES);
  return Math.max(1_000, Math.min(MOST_ENTRIES, fit));
}
