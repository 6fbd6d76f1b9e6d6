import { type End, FAILURES, type Failure, type Outcome } from '../outcome.ts';
import { FATE_TTL } from '../redis/fates.ts';
import {
  type Ended,
  type Handled,
  type Heard,
  isHeld,
  isRemoved,
  type JobEffect,
  type JobEnd,
  type Row,
} from './row.ts';

/**
 * What Redis knows of a remediation now, besides the history. What was not asked for is undefined, and
 * nothing is concluded from that.
 */
export interface Live {
  /** Where BullMQ has it. `gone`: it has ended, or BullMQ does not know it. */
  readonly queue?: Queued | { readonly kind: 'gone' };
  /** Whether the Job is unfinished, as its place in the limits tells. */
  readonly job?: 'unfinished' | 'finished';
  /** Why the Job's pods cannot be created, while that lasts. */
  readonly cannotStart?: string;
  /** The Job waits for a person, until then (milliseconds). */
  readonly askedUntil?: number;
}

/** It is in the queue. */
type Queued =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'active' }
  /** Until when: milliseconds, Redis' clock. */
  | { readonly kind: 'held'; readonly reason: string; readonly until: number }
  /** An attempt failed, and it is tried again then. */
  | { readonly kind: 'retrying'; readonly error: string; readonly next: number };

/** What became of a remediation: a closed list. Times and durations in milliseconds. */
export type State =
  | Queued
  /** It ended without a Job of its own. */
  | {
      readonly kind: 'ended';
      readonly outcome: Exclude<Outcome, 'created'>;
      readonly reason: string;
    }
  | { readonly kind: 'failed'; readonly outcome: Failure; readonly reason: string }
  /** It had failed, and a person removed it. */
  | { readonly kind: 'removed'; readonly user: string; readonly at: number }
  /** It is no more in the queue, and the history has no end of it. */
  | { readonly kind: 'no-word' }
  | JobState;

export type JobState =
  /** Whether it still runs was not asked. */
  | { readonly kind: 'job-created' }
  /** It is suspended, and waits for a person until then. */
  | { readonly kind: 'job-asked'; readonly until: number }
  | { readonly kind: 'job-running' }
  | { readonly kind: 'job-cannot-start'; readonly reason: string }
  | { readonly kind: 'job-succeeded'; readonly duration: number }
  | { readonly kind: 'job-failed'; readonly duration: number; readonly reason: string }
  /** A person removed it before it had ended. */
  | { readonly kind: 'job-deleted' }
  /** It never ran: a person denied it, nobody answered, or its alert ended first. */
  | { readonly kind: 'job-denied' | 'job-lapsed' | 'job-withdrawn'; readonly reason: string }
  /** It has ended, and nobody saw how. */
  | { readonly kind: 'job-no-word' };

/**
 * The state of a remediation. BullMQ goes before the history: it alone knows what waits, and what a
 * person retries.
 *
 * @param now milliseconds since 1970
 */
export function stateOf(handled: Handled, live: Live, now: number): State {
  const { queue } = live;
  if (queue !== undefined && queue.kind !== 'gone') return queue;
  return knownState(handled, live, now);
}

function knownState(handled: Handled, live: Live, now: number): State {
  const { end, held, act } = handled;
  if (held !== undefined && isHeld(handled)) {
    if (live.queue?.kind === 'gone') return { kind: 'no-word' };
    return { kind: 'held', reason: held.reason, until: held.until };
  }
  if (act !== undefined && isRemoved(handled)) {
    return { kind: 'removed', user: act.user, at: act.at };
  }
  return end === undefined ? { kind: 'no-word' } : endState(handled, end, live, now);
}

function endState(handled: Handled, { outcome, reason }: Ended, live: Live, now: number): State {
  if (outcome === 'created') return jobStateOf(handled, live, now) ?? { kind: 'job-created' };
  return isFailure(outcome)
    ? { kind: 'failed', outcome, reason }
    : { kind: 'ended', outcome, reason };
}

const isFailure = (end: End): end is Failure => FAILURES.some((failure) => failure === end);

/** Milliseconds for which a Job that has no place any more may still have its end told. */
const END_ON_ITS_WAY = 60_000;

/**
 * The state of the Job that stands for a remediation: its own, or the one that absorbed it. Undefined where
 * there is none.
 *
 * @param now milliseconds since 1970
 */
export function jobStateOf({ job, end }: Handled, live: Live, now: number): JobState | undefined {
  if (job === undefined || end === undefined) return undefined;
  if (job.fate !== undefined) return fateState(job.fate);
  if (live.askedUntil !== undefined) return { kind: 'job-asked', until: live.askedUntil };
  if (live.cannotStart !== undefined) return { kind: 'job-cannot-start', reason: live.cannotStart };
  if (live.job === 'unfinished') return { kind: 'job-running' };
  // Workers tell ends that are up to 7 days old: what is not told by then never is.
  const heardBy = end.at + (live.job === 'finished' ? END_ON_ITS_WAY : FATE_TTL);
  return { kind: now > heardBy ? 'job-no-word' : 'job-created' };
}

function fateState({ fate, reason, createdAt, endedAt }: JobEnd): JobState {
  const duration = Math.max(0, endedAt - createdAt);
  switch (fate) {
    case 'succeeded':
      return { kind: 'job-succeeded', duration };
    case 'failed':
      return { kind: 'job-failed', duration, reason };
    case 'deleted':
      return { kind: 'job-deleted' };
    case 'denied':
    case 'lapsed':
    case 'withdrawn':
      return { kind: `job-${fate}`, reason };
  }
}

/** Whether the Job helped. It is only said what was heard. */
export type Helped =
  /**
   * The alert has resolved so many milliseconds after the Job ended, by the clocks of Prometheus and of
   * the cluster: negative where it was before that; undefined where nobody saw the Job's end.
   */
  | { readonly kind: 'resolved'; readonly after: number | undefined }
  /** It was judged so, or a notification received after the Job's end says that the alert fires. */
  | { readonly kind: 'still-firing'; readonly at: number }
  /** Nothing was heard of the alert since. */
  | { readonly kind: 'no-word' };

/** Whether the Job helped; undefined where there is none, or its end is not known and the alert has not resolved. */
export function helpedOf({ firing, heard }: Row): Helped | undefined {
  if (firing?.job === undefined) return undefined;
  const { fate, effect } = firing.job;
  const endedAt = fate?.endedAt;
  // It may have resolved, and come again since.
  if (effect?.effect === 'firing' && effect.at > (heard?.at ?? 0)) {
    return { kind: 'still-firing', at: effect.at };
  }
  if (heard?.status === 'resolved') {
    return { kind: 'resolved', after: endedAt === undefined ? undefined : heard.at - endedAt };
  }
  return endedAt === undefined ? undefined : heardSince(endedAt, heard, effect);
}

/** What was heard since its Job ended, of an alert of which no notification says that it has resolved. */
function heardSince(
  endedAt: number,
  heard: Heard | undefined,
  effect: JobEffect | undefined,
): Helped {
  if (effect?.effect === 'resolved') return { kind: 'resolved', after: undefined };
  return heard !== undefined && heard.at > endedAt
    ? { kind: 'still-firing', at: heard.at }
    : { kind: 'no-word' };
}
