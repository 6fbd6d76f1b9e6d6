import type { AlertStatus } from '../alert.ts';
import type { Instant } from '../instant.ts';
import type { Effect, End } from '../outcome.ts';
import type { Act, DecidedEntry, Fate, Subject } from './entry.ts';
import { compareIds } from './stream-id.ts';

/**
 * One occurrence: one firing of one alert, by fingerprint and startsAt. Its firing and its resolved
 * remediation are one row. What is unknown is undefined: entries come in any order, and some are
 * trimmed. Rows never change: a new entry makes a new row. An `entry` is an entry's id in the stream.
 */
export interface Row {
  readonly fingerprint: string;
  readonly startsAt: Instant;
  readonly alertname: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly groupKey: string;
  /**
   * What became of it while it fired. Alertmanager repeats an alert, and each repetition is a remediation
   * of its own: shown is the one that is held, else the latest that created a Job, else the latest.
   */
  readonly firing: Handled | undefined;
  readonly resolved: Handled | undefined;
  /** The latest notification about it of which the history knows. */
  readonly heard: Heard | undefined;
  /** The earliest time at which the history knows of it. */
  readonly since: number;
  /** The id of the newest entry about it: the cursor of the list, and its order. */
  readonly cursor: string;
  /** See marksOf in marks.ts. */
  readonly marks: number;
  /** See textOf in search.ts. */
  readonly text: string;
}

export interface Heard {
  readonly status: AlertStatus;
  /** When it was received; of a resolved alert when it ended, where that is known. */
  readonly at: number;
}

/** What became of one remediation of the occurrence. */
export interface Handled {
  /** The remediation's UUID. */
  readonly id: string;
  readonly operarius: string;
  /** Undefined while it has not ended. */
  readonly receivedAt: number | undefined;
  /** Undefined while it has not ended: then it is held, as far as the history knows. */
  readonly end: Ended | undefined;
  /** The last time it was held. Whether it still is: {@link isHeld}. */
  readonly held: Held | undefined;
  readonly job: JobFate | undefined;
  /** What a person did last with it. */
  readonly act: Acted | undefined;
}

export interface Ended {
  readonly outcome: End;
  readonly reason: string;
  readonly at: number;
  readonly warnings: readonly string[];
  /** Digest of the operarius that decided it; undefined where there is none, and of older releases. */
  readonly definition: string | undefined;
  readonly entry: string;
}

export interface Held {
  readonly reason: string;
  /** The limit, and the Jobs that have its places, for people; undefined where nobody said so. */
  readonly by: string | undefined;
  readonly until: number;
  readonly at: number;
  readonly entry: string;
}

export interface JobFate {
  readonly name: string;
  /** People were asked whether it should run; undefined where they were not. */
  readonly asked: JobAsked | undefined;
  /** What became of that question; undefined while nobody has answered. */
  readonly decided: JobDecided | undefined;
  /** Undefined while the Job is unfinished, or its end was not seen. */
  readonly fate: JobEnd | undefined;
  /** Whether it helped, as it was judged; undefined until then. */
  readonly effect: JobEffect | undefined;
}

/** What an entry says of a Job. */
export interface OfJob {
  readonly entry: string;
  /** The remediation that created the Job: another one where the Job stands for many. */
  readonly remediation: string;
}

export interface JobAsked extends OfJob {
  readonly at: number;
  readonly until: number;
}

export type JobDecided = OfJob & Pick<DecidedEntry, 'decision' | 'by' | 'how' | 'at'>;

export interface JobEnd extends OfJob {
  readonly fate: Fate;
  readonly reason: string;
  /** By the cluster's clock. */
  readonly createdAt: number;
  readonly endedAt: number;
}

export interface JobEffect extends OfJob {
  readonly effect: Effect;
  readonly at: number;
}

export interface Acted {
  readonly act: Act;
  readonly user: string;
  readonly at: number;
  readonly entry: string;
}

/** Names an occurrence; a remediation that could not be read is one of its own. */
export function keyOf({
  fingerprint,
  startsAt,
  id,
}: Pick<Subject, 'fingerprint' | 'startsAt' | 'id'>): string {
  // Joined, since a template makes a tree of strings, and each key is kept.
  return fingerprint === '' ? `unreadable ${id}` : [startsAt, fingerprint].join(' ');
}

/**
 * Whether it is held now, as far as the history knows. A person may retry what has ended: then it can be
 * held after its end.
 */
export function isHeld({ end, held, act }: Pick<Handled, 'end' | 'held' | 'act'>): boolean {
  if (held === undefined) return false;
  if (end !== undefined && compareIds(held.entry, end.entry) < 0) return false;
  return act?.act !== 'remove' || compareIds(held.entry, act.entry) > 0;
}

/** Whether a person has removed it after it had failed: nobody needs to look at it any more. */
export const isRemoved = ({ end, act }: Pick<Handled, 'end' | 'act'>): boolean =>
  act?.act === 'remove' && compareIds(act.entry, end?.entry ?? '') > 0;
