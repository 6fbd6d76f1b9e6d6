import type { Instant } from '../instant.ts';
import type { End } from '../outcome.ts';
import type { Fate } from './entry.ts';

/**
 * One occurrence: one firing of one alert, by fingerprint and startsAt. Its firing and its resolved
 * remediation are one row. What is unknown is undefined: entries come in any order, and some are
 * trimmed.
 */
export interface Row {
  readonly fingerprint: string;
  readonly startsAt: Instant;
  readonly alertname: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly groupKey: string;
  readonly firing: Handled | undefined;
  readonly resolved: Handled | undefined;
  /** The id of the newest entry about it: the cursor of the list, and its order. */
  readonly cursor: string;
}

/** What became of one remediation of the occurrence. */
export interface Handled {
  /** The remediation's UUID. */
  readonly id: string;
  readonly operarius: string;
  readonly receivedAt: number;
  /** Undefined while it has not ended: then it is held, as far as the history knows. */
  readonly end: Ended | undefined;
  readonly held: { readonly reason: string; readonly until: number; readonly at: number } | undefined;
  readonly job: JobFate | undefined;
}

export interface Ended {
  readonly outcome: End;
  readonly reason: string;
  readonly at: number;
  readonly warnings: readonly string[];
}

export interface JobFate {
  readonly name: string;
  /** Undefined while the Job is unfinished, or its end was not seen. */
  readonly fate: { readonly fate: Fate; readonly reason: string; readonly endedAt: number } | undefined;
  /** By the cluster's clock; undefined until the fate is known. */
  readonly createdAt: number | undefined;
}
