/** Every limit of the dashboard with its reason. */

/** No request of ours has a long body, and none takes long to send. */
export const HTTP_LIMITS = {
  requestTimeout: 10_000,
  headersTimeout: 5000,
  connectionsCheckingInterval: 1000,
  keepAliveTimeout: 75_000,
} as const;

/** Per command. A page must not wait for ever; the longest one, clean of 10,000, took 0.5 s. */
export const COMMAND_TIMEOUT_MS = 3000;

/** Bull Board's own page offers up to 300, its interface any number: each one is a round trip. */
export const JOBS_PER_PAGE = 300;

/** Of an alertname in the list: alert text has no bound of its own. */
export const TITLE_LENGTH = 120;

/** What failed since the page was last drawn was seen by nobody, so it is not removed with the rest. */
export const CLEAN_GRACE_MS = 5000;

/** Seconds after which a browser asks again for a page that Redis is needed for. */
export const RELOAD_SECONDS = 3;
