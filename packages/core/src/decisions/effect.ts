import { millisecondsOf } from '../instant.ts';
import type { Effect } from '../outcome.ts';
import type { DueEffect } from '../redis/effects.ts';
import type { State } from '../redis/states.ts';
import type { JointAnswer } from './alertmanager-answer.ts';

/**
 * What a run achieved, by what the Alertmanagers say of its alert at the due time. An alert that is active
 * again counts too, whenever it began: a Job that helps for two minutes did not help.
 *
 * @param now milliseconds, Redis' clock
 * @returns `later` where they cannot tell yet
 */
export function effectByAlertmanager(
  answer: JointAnswer,
  due: Pick<DueEffect, 'due' | 'within'>,
  now: number,
): Effect | 'later' {
  if (isLate(due, now)) return 'unknown';
  switch (answer.kind) {
    case 'active':
      return 'firing';
    case 'absent':
      return 'resolved';
    case 'suppressed':
      return 'unknown';
    case 'unknown':
      return 'later';
  }
}

/**
 * The same by the latest notification. That nothing was heard means nothing: Alertmanager repeats an alert
 * hours later, and without send_resolved it never tells of an end.
 */
export function effectByState(
  state: State | undefined,
  effect: Pick<DueEffect, 'due' | 'within' | 'endedAt'>,
  now: number,
): Effect {
  if (isLate(effect, now) || state === undefined) return 'unknown';
  if (state.status === 'resolved') return 'resolved';
  const isAgain = millisecondsOf(state.startsAt) > effect.endedAt;
  return isAgain || state.receivedAt > effect.due ? 'firing' : 'unknown';
}

/** All workers were away: what is true now says nothing about then. */
const isLate = ({ due, within }: Pick<DueEffect, 'due' | 'within'>, now: number): boolean =>
  now - due > within;
