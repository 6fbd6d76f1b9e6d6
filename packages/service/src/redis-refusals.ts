import type { RedisFailure } from './redis-errors.ts';

/** Milliseconds without commands after a refusal: the first one, and the longest. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 2000;

/**
 * Milliseconds after a refusal that no probe sees until it counts as mended: within them a worker repeats
 * every command of its own, also for the remediations that it lost (lock 10 s, stalled check 5 s).
 */
const QUIET = 16_000;

/** What Redis refuses, and when to try again. */
export interface Refusals {
  /** Undefined if Redis refuses nothing. */
  current(): RedisFailure | undefined;
  /** Whether no command should be tried now. */
  pausing(): boolean;
  /** A command of the service was refused. */
  add(failure: RedisFailure): void;
  /** The probe was refused: only its success shows that Redis is mended. */
  probeRefused(failure: RedisFailure): void;
  probeSucceeded(): void;
}

/** @param now milliseconds of a clock that is never set back */
export function createRefusals(now: () => number): Refusals {
  let failure: RedisFailure | undefined;
  let probed = false;
  let last = 0;
  let pause = 0;
  let pausedUntil = 0;

  const extend = (): void => {
    last = now();
    // Those of one attempt count once.
    if (last < pausedUntil) return;
    pause = Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, 2 * pause));
    pausedUntil = last + pause;
  };
  return {
    current: () => failure,
    pausing: () => failure !== undefined && (probed || now() < pausedUntil),
    add(found) {
      // The first one stays: two commands may be refused for different reasons in turn.
      failure ??= found;
      extend();
    },
    probeRefused(found) {
      failure = found;
      probed = true;
      extend();
    },
    probeSucceeded() {
      if (!probed && now() - last <= QUIET) return;
      failure = undefined;
      probed = false;
      pause = 0;
    },
  };
}
