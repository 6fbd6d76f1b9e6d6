import { digest } from '../digest.ts';
import { type Instant, instantOf, millisecondsOf, NEVER } from '../instant.ts';
import type { Operarius } from '../operarius/operarius.ts';
import type { DedupBy } from '../operarius/policy-syntax.ts';
import type { Remediation } from '../redis/remediation.ts';

/** Which trouble a remediation is about. */
export interface Trouble {
  /** What counts as the same trouble over time: 64 hex digits. */
  readonly troubleKey: string;
  readonly episode: Episode;
}

/** One occurrence of a trouble: it gets one Job. */
export interface Episode {
  readonly instant: Instant;
  /** With `repeat-after`: which repetition; else 0. */
  readonly count: number;
}

/**
 * Part of every trouble key. Raise it when the key is computed in another way: older names and
 * memories then mean nothing, and everything that still fires may get one more Job.
 */
const KEY_VERSION = 'k/1';

/**
 * Tells which trouble a remediation is about, as `dedup-by` of the operarius wants it: computed
 * alike by every worker and every retry, from the payload alone.
 */
export function troubleOf(remediation: Remediation, operarius: Operarius): Trouble {
  const { status, adds, episode } = scopeOf(remediation, operarius);
  return {
    troubleKey: digest(KEY_VERSION, operarius.namespace, operarius.name, status, ...adds),
    episode,
  };
}

/**
 * The trouble of the firing alert that a resolved one ends.
 *
 * @param firing the operarius of the firing alert
 */
export function firingTroubleOf(resolved: Remediation, firing: Operarius): Trouble {
  const { alert, group } = resolved;
  const status = 'firing' as const;
  const fired = { ...resolved, alert: { ...alert, status }, group: { ...group, status } };
  return troubleOf(fired, firing);
}

interface Scope {
  readonly status: string;
  /** What `dedup-by` adds to the key, prefixed so that no fingerprint equals a group's key. */
  readonly adds: readonly string[];
  readonly episode: Episode;
}

function scopeOf(remediation: Remediation, { policy }: Operarius): Scope {
  const { alert, group } = remediation;
  switch (policy.dedupBy) {
    case 'alert':
      return {
        status: alert.status,
        adds: ['fingerprint', alert.fingerprint],
        episode: episodeOf(remediation),
      };
    case 'group':
      return {
        status: group.status,
        adds: ['group', group.key],
        episode: windowOf(remediation, policy.cooldown),
      };
    case 'operarius':
      return { status: alert.status, adds: [], episode: windowOf(remediation, policy.cooldown) };
  }
}

function episodeOf({ alert, repeat }: Remediation): Episode {
  return repeat === undefined
    ? { instant: alert.startsAt, count: 0 }
    : { instant: repeat.episode, count: repeat.count };
}

/** @param cooldown milliseconds; below 1 each receipt is a window of its own */
function windowOf({ receivedAt }: Remediation, cooldown: number): Episode {
  const length = Math.max(1, cooldown);
  return { instant: instantOf(Math.floor(receivedAt / length) * length), count: 0 };
}

/**
 * When the trouble of a remediation began, in milliseconds: a firing alert when it started, a resolved
 * one when it ended, and where `dedup-by` counts receipts, when it was received. A Job that was created
 * since stands for it.
 *
 * Never after the receipt: a sender whose clock is ahead says so, or one that tells of no end.
 */
export function beganAt({ alert, receivedAt }: Remediation, dedupBy: DedupBy): number {
  if (dedupBy !== 'alert') return receivedAt;
  const { status, startsAt, endsAt } = alert;
  const began = status === 'firing' ? startsAt : endsAt;
  return began === NEVER ? receivedAt : Math.min(receivedAt, millisecondsOf(began));
}

/**
 * Trouble key and episode in one text, the annotation `openfero.io/dedup-key`: a Job that has our name
 * but not this text is another's.
 */
export function dedupKeyText({ troubleKey, episode }: Trouble): string {
  return `${troubleKey}/${episode.instant}/${episode.count}`;
}

const DEDUP_KEY = /^([0-9a-f]{64})\/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z)\/(\d{1,10})$/;

/** Reads a {@link dedupKeyText} as hostile input; undefined where it is none. */
export function readDedupKey(text: string): Trouble | undefined {
  const [, troubleKey, instant, count] = DEDUP_KEY.exec(text) ?? [];
  if (troubleKey === undefined || instant === undefined) return undefined;
  return { troubleKey, episode: { instant, count: Number(count) } };
}
