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
  /** `repeat-after` is over: the remembered episode with its count plus one, and then as `later`. */
  | { readonly kind: 'repeat'; readonly memory: Memory; readonly episode: Episode };

/** What decides about a remediation. */
export interface Considered {
  readonly id: string;
  readonly episode: Episode;
  /** Milliseconds: see beganAt in identity/trouble.ts. */
  readonly began: number;
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
  if (memory === undefined) return { kind: 'create' };
  const { job, episode, createdAt } = memory;
  if (memory.remediation === remediation.id) return { kind: 'created', job };
  const reason = whyCovered(remediation, memory);
  if (reason === undefined) return { kind: 'later', memory };
  if (policy.repeatAfter !== 'never' && now - createdAt >= policy.repeatAfter) {
    return { kind: 'repeat', memory, episode: { ...episode, count: episode.count + 1 } };
  }
  return { kind: 'deduplicated', job, reason };
}

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
