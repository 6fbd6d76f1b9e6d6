import { TIMING } from '@openfero/cluster/kubernetes/timing';

/** Milliseconds. Another worker takes over from a killed one after lock and stalled check: within 15 s. */
export const LOCK_DURATION = 10_000;

/** Milliseconds for which a confirmed lock is trusted: the other half is left for the create. */
export const LOCK_TRUST = 5_000;

/** Milliseconds until the watch has a Job that the API server has stored. */
const WATCH_DELAY = 1_000;

/**
 * Milliseconds by which what was taken for a Job may be older than the Job in the watch, 20 s: whatever is older
 * and has no Job is left over from one that never came. It was asked for at most LOCK_TRUST before the worker confirmed
 * its lock for the last time, the worker may have stood still for nearly as long as that lock lasts, and the create
 * may have used all its time.
 */
export const AHEAD_OF_WATCH = LOCK_TRUST + LOCK_DURATION + TIMING.call + WATCH_DELAY;
