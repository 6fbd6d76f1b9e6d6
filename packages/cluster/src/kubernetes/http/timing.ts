/** Milliseconds, each with its reason. Tests hand in shorter ones. */
export interface Timing {
  /** One create or get, credentials and a second try after a 401 included. */
  readonly call: number;
  /** One page of a list. */
  readonly list: number;
  /** How long an API server may take to begin an answer to a list or a watch. */
  readonly headers: number;
  /** How long a watch may say nothing. */
  readonly silence: number;
  /** From a watch older than this nothing is decided. */
  readonly stale: number;
  /** After how long the server ends a watch in order: at random between the two. */
  readonly watch: readonly [shortest: number, longest: number];
  /** Waits between two tries of a list or a watch: the first, and the longest. */
  readonly backoff: readonly [first: number, longest: number];
  /** The first reading of credentials, which keeps a worker from starting. */
  readonly start: number;
  /** How old files with tokens and certificates may get before they are read again. */
  readonly reread: number;
}

export const TIMING: Timing = {
  // With the 5 s that a worker trusts its lock it stays under the lock's 10 s.
  call: 4000,
  list: 30_000,
  headers: 10_000,
  // Bookmarks come about every 60 s, and not at all while the API server has seen no event of the
  // resource: then the watch is opened anew, which costs one request.
  silence: 75_000,
  stale: 120_000,
  // As client-go: so that the watches of all workers do not end together.
  watch: [240_000, 300_000],
  // An API server that is back finds us at work again within 5 s.
  backoff: [200, 3000],
  // An exec plugin may have to ask a cloud.
  start: 15_000,
  // The kubelet swaps a token 12 minutes before its end; a refused one is read again at once.
  reread: 10_000,
};
