import { compareEpisodes, type Episode } from '../identity/trouble.ts';
import type { Policy } from '../operarius/policy.ts';
import type { Memory } from '../redis/memory.ts';

/** What the memory of an episode says about a remediation of the same trouble. */
export type EpisodeDecision =
  /** Nothing stands against it. */
  | { readonly kind: 'create' }
  /** This remediation made the remembered Job. */
  | { readonly kind: 'created'; readonly job: string }
  /** The trouble has its Job already. */
  | { readonly kind: 'deduplicated'; readonly job: string }
  /** A later episode than the remembered one: see {@link decideOnLaterEpisode}. */
  | { readonly kind: 'later'; readonly memory: Memory }
  /** `repeat-after` is over: the remembered episode with its count plus one, and then as `later`. */
  | { readonly kind: 'repeat'; readonly memory: Memory; readonly episode: Episode };

/**
 * Compares a remediation with what is remembered.
 *
 * The same or an earlier episode is deduplicated: startsAt can move back during one firing, and a
 * notification of an earlier episode that arrives late is no new trouble.
 *
 * @param now milliseconds, Redis' clock, as all times here
 */
export function decideOnEpisode(
  remediation: { readonly id: string; readonly episode: Episode },
  memory: Memory | undefined,
  policy: Policy,
  now: number,
): EpisodeDecision {
  if (memory === undefined) return { kind: 'create' };
  if (memory.remediation === remediation.id) return { kind: 'created', job: memory.job };
  if (compareEpisodes(remediation.episode, memory.episode) > 0) return { kind: 'later', memory };
  if (policy.repeatAfter !== 'never' && now - memory.createdAt >= policy.repeatAfter) {
    const { instant, count } = memory.episode;
    return { kind: 'repeat', memory, episode: { instant, count: count + 1 } };
  }
  return { kind: 'deduplicated', job: memory.job };
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
  if (policy.dedupBy === 'alert') return { kind: 'cooldown', until };
  return {
    kind: 'deduplicated',
    reason: `Job ${memory.job} was created less than the cooldown ago (dedup-by: ${policy.dedupBy})`,
  };
}
