import type { State } from '@openfero/core/history/state';
import type { End } from '@openfero/core/outcome';
import type { Sign } from './shapes.ts';
import { span, utc } from './times.ts';

/** The sign of a state. A Job that failed, or of which nobody heard, is never green. */
export function signOf(state: State): Sign {
  switch (state.kind) {
    case 'ended':
    case 'failed':
      return signOfEnd(state.outcome);
    default:
      return SIGNS[state.kind];
  }
}

const SIGNS: Readonly<Record<Exclude<State['kind'], 'ended' | 'failed'>, Sign>> = {
  waiting: { word: 'waiting', shape: 'ring', tone: 'busy' },
  active: { word: 'being handled', shape: 'half', tone: 'busy' },
  held: { word: 'held', shape: 'pause', tone: 'wait' },
  retrying: { word: 'retrying', shape: 'again', tone: 'wait' },
  removed: { word: 'removed', shape: 'slash', tone: 'quiet' },
  'no-word': { word: 'no word', shape: 'query', tone: 'wait' },
  'job-created': { word: 'Job created', shape: 'half', tone: 'busy' },
  'job-asked': { word: 'waits for a person', shape: 'pause', tone: 'wait' },
  'job-running': { word: 'Job running', shape: 'half', tone: 'busy' },
  'job-cannot-start': { word: 'Job cannot start', shape: 'alarm', tone: 'bad' },
  'job-succeeded': { word: 'Job succeeded', shape: 'check', tone: 'good' },
  'job-failed': { word: 'Job failed', shape: 'cross', tone: 'bad' },
  'job-deleted': { word: 'Job deleted', shape: 'slash', tone: 'wait' },
  'job-denied': { word: 'Job denied', shape: 'slash', tone: 'wait' },
  'job-lapsed': { word: 'Job lapsed', shape: 'slash', tone: 'wait' },
  'job-withdrawn': { word: 'Job withdrawn', shape: 'slash', tone: 'quiet' },
  'job-no-word': { word: 'Job: no word', shape: 'query', tone: 'quiet' },
};

/** The sign of an end without a Job of its own. */
export const signOfEnd = (end: Exclude<End, 'created'>): Sign => ENDS[end];

const ENDS: Readonly<Record<Exclude<End, 'created'>, Sign>> = {
  deduplicated: { word: 'deduplicated', shape: 'dash', tone: 'quiet' },
  'no-operarius': { word: 'no operarius', shape: 'dash', tone: 'quiet' },
  'not-matched': { word: 'not matched', shape: 'dash', tone: 'quiet' },
  'own-job': { word: 'own Job', shape: 'dash', tone: 'quiet' },
  superseded: { word: 'superseded', shape: 'dash', tone: 'quiet' },
  suppressed: { word: 'suppressed', shape: 'dash', tone: 'quiet' },
  'dry-run': { word: 'dry run', shape: 'dash', tone: 'wait' },
  off: { word: 'off', shape: 'slash', tone: 'wait' },
  'invalid-operarius': { word: 'invalid operarius', shape: 'alarm', tone: 'bad' },
  rejected: { word: 'rejected', shape: 'alarm', tone: 'bad' },
  expired: { word: 'expired', shape: 'alarm', tone: 'bad' },
  stopped: { word: 'stopped', shape: 'alarm', tone: 'bad' },
  unreadable: { word: 'unreadable', shape: 'alarm', tone: 'bad' },
};

/** Why it is in that state, in one line; empty where the word says all. */
export function whyOf(state: State, now: number): string {
  switch (state.kind) {
    case 'held':
      return `${HELD[state.reason] ?? state.reason}; next look ${utc(state.until, now)}`;
    case 'retrying':
      return `${state.error}; next try ${utc(state.next, now)}`;
    case 'ended':
    case 'failed':
    case 'job-cannot-start':
      return state.reason;
    case 'job-failed':
      return JOB_FAILED[state.reason] ?? state.reason;
    case 'job-denied':
    case 'job-lapsed':
    case 'job-withdrawn':
      return state.reason;
    case 'job-asked':
      return `its Job is suspended until somebody approves it; it lapses ${utc(state.until, now)}`;
    case 'removed':
      return `${state.user} removed it at ${utc(state.at, now)}`;
    case 'no-word':
      return 'the queue no longer knows it, and no end of it is on record';
    case 'job-no-word':
      return 'the Job is gone, and nobody saw how it ended';
    case 'job-deleted':
      return 'the Job was deleted before it had ended';
    default:
      return '';
  }
}

const HELD: Readonly<Record<string, string>> = {
  'max-active': 'its operarius has as many unfinished Jobs as max-active allows',
  'max-active-jobs': 'there are as many unfinished Jobs as OPENFERO_MAX_ACTIVE_JOBS allows',
  'max-runs': 'as many Jobs were started as max-runs or OPENFERO_MAX_RUNS allows in its time',
  target: 'another Job works on the same target',
  cooldown: 'the cooldown after the last Job of this problem is not over',
  claimed: 'another remediation of this problem is creating its Job',
  'newer-payload': 'only a newer worker can read it',
};

const JOB_FAILED: Readonly<Record<string, string>> = {
  BackoffLimitExceeded: 'every try of the Job failed (BackoffLimitExceeded)',
  DeadlineExceeded: 'the Job took longer than its deadline (DeadlineExceeded)',
  PodFailurePolicy: 'the Job ended by its pod failure policy (PodFailurePolicy)',
};

/** How long the Job took, where that is known. */
export function tookOf(state: State): string | undefined {
  return state.kind === 'job-succeeded' || state.kind === 'job-failed'
    ? span(state.duration)
    : undefined;
}
