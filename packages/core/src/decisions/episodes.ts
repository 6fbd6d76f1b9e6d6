import type { Episode } from '../identity/trouble.ts';
import type { Policy } from '../operarius/policy.ts';
import type { Memory } from '../redis/memory.ts';

/** What the latest Job of a trouble says about a remediation of the same trouble. */
export type EpisodeDecision =
  /** Nothing stands against it. */
  | { readonly kind: 'create' }
  /** This remediation made the remembered Job. */
  | { readonly kind: 'created'; readonly job: string }
  /** The trouble has its Job already. */
  | { readonly kind: 'deduplicated'; readonly job: string; readonly reason: string }
  /** An episode that began after the remembered Job was created: see {@link decideOnLaterEpisode}. */
  | { readonly kind: 'later'; readonly memory: Memory }
  /**
   * `repeat-after` is over, or a person has its Job run again: this episode, with its count plus one, and
   * then as `later` where anything is remembered.
   */
  | { readonly kind: 'repeat'; readonly memory: Memory | undefined; readonly episode: Episode };

/** What decides about a remediation. */
export interface Considered {
  readonly id: string;
  readonly episode: Episode;
  /** Milliseconds: see beganAt in identity/trouble.ts. */
  readonly began: number;
  /** A person has a Job of this episode run again: that it has one is no reason against it. */
  readonly isRerun?: boolean;
}

/**
 * Compares a remediation with what is remembered.
 *
 * A Job covers what began before it was created, whichever episode it is: the other beginning that a
 * second source tells of, each flap of a backlog, a notification that comes late.
 *
 * @param now milliseconds, Redis' clock, as all times here
 */
export function decideOnEpisode(
  remediation: Considered,
  memory: Memory | undefined,
  policy: Policy,
  now: number,
): EpisodeDecision {
  if (memory === undefined) return decideUnremembered(remediation);
  const { job, episode, createdAt } = memory;
  if (memory.remediation === remediation.id) return { kind: 'created', job };
  if (remediation.isRerun) return { kind: 'repeat', memory, episode: next(episode) };
  const reason = whyCovered(remediation, memory);
  if (reason === undefined) return { kind: 'later', memory };
  if (policy.repeatAfter !== 'never' && now - createdAt >= policy.repeatAfter) {
    return { kind: 'repeat', memory, episode: next(episode) };
  }
  return { kind: 'deduplicated', job, reason };
}

/** The Job that failed may still have the name of its episode. A rerun that counts already has another. */
function decideUnremembered({ isRerun = false, episode }: Considered): EpisodeDecision {
  return isRerun && episode.count === 0
    ? { kind: 'repeat', memory: undefined, episode: next(episode) }
    : { kind: 'create' };
}

const next = (episode: Episode): Episode => ({ ...episode, count: episode.count + 1 });

/** Whatever its count: a repetition is the same episode. */
function whyCovered({ episode, began }: Considered, memory: Memory): string | undefined {
  if (episode.instant === memory.episode.instant) return 'this episode already has a Job';
  if (began > memory.createdAfter) return undefined;
  return `Job ${memory.job} was created after this episode began`;
}

/** What the remembered Job means for a later episode. */
export type LaterEpisodeDecision =
  | { readonly kind: 'create' }
  | { readonly kind: 'deduplicated'; readonly reason: string }
  /** `cooldown` lasts until then. */
  | { readonly kind: 'cooldown'; readonly until: number };

/**
 * Decides about a later episode, once the remembered Job has been looked at.
 *
 * @param unfinished whether that Job still runs
 */
export function decideOnLaterEpisode(
  memory: Memory,
  unfinished: boolean,
  policy: Policy,
  now: number,
): LaterEpisodeDecision {
  if (unfinished) {
    return {
      kind: 'deduplicated',
      reason: `Job ${memory.job} of an earlier episode is still running`,
    };
  }
  const until = memory.createdAt + policy.cooldown;
  if (now >= until) return { kind: 'create' };
  const isOver = now >= memory.createdAfter + policy.cooldown;
  if (policy.dedupBy === 'alert' || isOver) return { kind: 'cooldown', until };
  return {
    kind: 'deduplicated',
    reason: `Job ${memory.job} was created less than the cooldown ago (dedup-by: ${policy.dedupBy})`,
  };
}
