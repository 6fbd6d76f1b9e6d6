/** Time limits and intervals in milliseconds, each with its reason. Tests pass shorter ones. */
export interface Timing {
  /** One create or get, including reading credentials and the retry after a 401. */
  readonly call: number;
  /** One page of a list. */
  readonly list: number;
  /** Until the API server starts to respond to a list or a watch. */
  readonly headers: number;
  /** How long a watch may receive nothing before it is opened again. */
  readonly silence: number;
  /** The age at which the contents of a watch are too old to decide anything from. */
  readonly stale: number;
  /** When the server ends a watch: at a random time between the two. */
  readonly watch: readonly [shortest: number, longest: number];
  /** Delay before a list or a watch is retried: the first one and the longest one. */
  readonly backoff: readonly [first: number, longest: number];
  /** The first read of the credentials. The worker does not start before it. */
  readonly start: number;
  /** The age at which files with tokens and certificates are read again. */
  readonly reread: number;
}

export const TIMING: Timing = {
  // Plus the 5 s for which a worker trusts its lock, this stays below the lock's 10 s.
  call: 4000,
  list: 30_000,
  headers: 10_000,
  // Bookmarks arrive about every 60 s, but not at all while the API server has seen no event of the
  // resource. Then the watch is opened again, which costs one request.
  silence: 75_000,
  stale: 120_000,
  // As in client-go: so that the watches of all workers do not end at the same time.
  watch: [240_000, 300_000],
  // The worker resumes within 5 s after the API server is back.
  backoff: [200, 3000],
  // An exec plugin may have to ask a cloud provider.
  start: 15_000,
  // The kubelet replaces a token 12 minutes before it expires; a refused token is read again at once.
  reread: 10_000,
};
