import type { AlertStatus } from '../alert.ts';
import type { Instant } from '../instant.ts';
import type { Mode } from '../operarius/policy.ts';
import type { Effect, End } from '../outcome.ts';
import type { DecidedHow, Decision } from '../redis/approvals.ts';

/**
 * What the history keeps, one entry of the stream each (redis/history.ts). Each entry stands alone: it
 * is read without the ones before it, which may be trimmed already. Times are milliseconds since 1970;
 * those of Redis' clock unless said otherwise.
 */
export type Entry =
  | EndEntry
  | FateEntry
  | EffectEntry
  | HeldEntry
  | ActEntry
  | ModeEntry
  | StoppedEntry
  | RearmedEntry
  | AskedEntry
  | DecidedEntry
  | DefinitionEntry;

/**
 * Identifies the remediation and the occurrence that an entry is about. A remediation that could not be
 * read has no alert: its fingerprint and alertname are empty, and it never started (NEVER).
 */
export interface Subject {
  /** The remediation's UUID. */
  readonly id: string;
  readonly alertname: string;
  readonly status: AlertStatus;
  readonly fingerprint: string;
  readonly startsAt: Instant;
  /** The ConfigMap's name; empty where there is none. */
  readonly operarius: string;
}

/** A remediation has ended. A retry by a person writes another one: the last counts. */
export interface EndEntry extends Subject {
  readonly kind: 'end';
  readonly outcome: End;
  readonly reason: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly groupKey: string;
  /** The Job that stands for the remediation, if any. */
  readonly job?: string;
  /** Of the operarius that decided it, see definitionDigest; absent where there is none. */
  readonly definition?: string;
  readonly warnings?: readonly string[];
  readonly receivedAt: number;
  readonly endedAt: number;
  /** Of a resolved alert: when it ended, by the clock of Prometheus. */
  readonly endsAt?: Instant;
}

/** How a Job ended; the last three of one that waited for a person and never ran. */
export const FATES = [
  ...(['succeeded', 'failed', 'deleted'] as const),
  ...(['denied', 'lapsed', 'withdrawn'] as const),
] as const;
export type Fate = (typeof FATES)[number];

/** A Job has ended. Recorded once for each uid, whichever worker sees it first. */
export interface FateEntry extends Subject {
  readonly kind: 'fate';
  readonly fate: Fate;
  /** The reason of the Job's condition, such as BackoffLimitExceeded; empty where there is none. */
  readonly reason: string;
  readonly job: string;
  readonly uid: string;
  /** By the cluster's clock. */
  readonly createdAt: number;
  readonly endedAt: number;
}

/** It was judged whether a Job that succeeded helped. Recorded once for each uid. */
export interface EffectEntry extends Subject {
  readonly kind: 'effect';
  readonly effect: Effect;
  readonly job: string;
  readonly uid: string;
  readonly at: number;
}

/** Bad runs in a row have stopped an operarius, for as long as its definition stays the same. */
export interface StoppedEntry {
  readonly kind: 'stopped';
  readonly operarius: string;
  readonly definition: string;
  /** 0: until a person re-arms it. */
  readonly until: number;
  /** How many runs. */
  readonly row: number;
  readonly at: number;
}

/** How a stopped operarius came to run again: its definition changed or is gone, or the time was over. */
export const REARMED_HOW = ['definition', 'deleted', 'time', 'person'] as const;
export type RearmedHow = (typeof REARMED_HOW)[number];

/** An operarius that was stopped runs again. */
export interface RearmedEntry {
  readonly kind: 'rearmed';
  readonly operarius: string;
  /** That was stopped. */
  readonly definition: string;
  readonly how: RearmedHow;
  /** Of `person`: who did it in the dashboard. */
  readonly user?: string;
  readonly at: number;
}

/**
 * An operarius was created, changed or removed, or its check says something else. Not written where only the
 * switch has changed: that is a {@link ModeEntry}.
 */
export interface DefinitionEntry {
  readonly kind: 'definition';
  readonly operarius: string;
  /** Digest of the version before; absent where none was known. */
  readonly before?: string;
  /** Digest; absent where there is no such operarius any more. */
  readonly definition?: string;
  /** By its annotation and OPENFERO_MODE; absent where an annotation is wrong, and where it was removed. */
  readonly mode?: Mode;
  /** Why it cannot run; absent where it is valid. */
  readonly problem?: string;
  readonly at: number;
}

/** A Job was created suspended, and waits for a person. Recorded once for each uid. */
export interface AskedEntry extends Subject {
  readonly kind: 'asked';
  readonly job: string;
  readonly uid: string;
  /** Until when it can be answered. */
  readonly until: number;
  readonly at: number;
}

/** What became of such a question. Recorded once for each uid, from what the cluster shows. */
export interface DecidedEntry extends Subject {
  readonly kind: 'decided';
  readonly decision: Decision;
  /** Who decided; empty where nobody knows, or nobody did. */
  readonly by: string;
  /** Absent where nobody did, and of older releases. */
  readonly how?: DecidedHow | undefined;
  readonly job: string;
  readonly uid: string;
  readonly at: number;
}

/** A remediation waits for another reason than before. */
export interface HeldEntry extends Subject {
  readonly kind: 'held';
  readonly reason: string;
  /** The limit, and the Jobs that have its places, for people. */
  readonly by?: string;
  readonly until: number;
  readonly at: number;
}

export const ACTS = ['retry', 'remove', 'clean', 'rerun', 'approve', 'deny', 'rearm'] as const;
export type Act = (typeof ACTS)[number];

/** What a person did in the dashboard. */
export interface ActEntry {
  readonly kind: 'act';
  readonly act: Act;
  /** The remediation, of `rearm` the operarius; empty where the act was about many. */
  readonly id: string;
  readonly user: string;
  readonly address: string;
  readonly at: number;
}

/** The switch has changed. */
export interface ModeEntry {
  readonly kind: 'mode';
  readonly from: Mode;
  readonly to: Mode;
  /** Where the mode comes from: OPENFERO_MODE, or the ConfigMap and its annotation. */
  readonly source: string;
  readonly at: number;
}
