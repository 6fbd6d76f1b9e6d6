import { CLAIM_LIFE, type Claim } from '@openfero/core/redis/memory';
import type { EpisodeMemory } from '../../src/redis/memory.ts';
import type { PlaceRequest, Places, Taken } from '../../src/redis/places.ts';
import { type Entry, owns } from './queue.ts';
import type { Turn, Without, World } from './world.ts';

/** Redis' memory and states, each call at one instant as its scripts are. */
export function memoriesOf(world: World, turn: Turn, without?: Without): EpisodeMemory {
  return {
    async look(k, { fingerprint }) {
      await turn();
      const memory = without === 'memory' ? undefined : world.memory.get(k);
      // Without the cover what began before a Job was created counts as a later episode.
      const known = memory && without === 'cover' ? { ...memory, createdAfter: 0 } : memory;
      return { memory: known, state: world.states.get(fingerprint), now: world.now };
    },
    async state({ fingerprint }) {
      await turn();
      return world.states.get(fingerprint);
    },
    async remember(k, { createdAt = world.now, ...memory }) {
      await turn();
      if (isClaimOf(world.claims.get(k), memory.episode)) world.claims.delete(k);
      const known = world.memory.get(k)?.createdAt ?? 0;
      if (known <= createdAt || without === 'order of the memory') {
        world.memory.set(k, { ...memory, createdAt });
      }
    },
    async freeClaim(k, remediation) {
      await turn();
      if (world.claims.get(k)?.remediation === remediation) world.claims.delete(k);
    },
    async touch() {},
    now: async () => world.now,
  };
}

const isClaimOf = (claim: Claim | undefined, { instant, count }: Claim['episode']): boolean =>
  claim?.episode.instant === instant && claim.episode.count === count;

/** The claims, without limits: the places are tested by themselves. */
export function claimsOf(
  world: World,
  { entry, token }: { readonly entry: Entry; readonly token: number },
  { turn, without }: { readonly turn: Turn; readonly without?: Without | undefined },
): Places {
  return {
    async take(request) {
      await turn();
      if (!owns(entry, token, world.now) && without !== 'lock check') return { kind: 'lost' };
      const refusal = without === 'claim' ? undefined : whyNot(request, world, without);
      if (refusal !== undefined) return refusal;
      const { troubleKey, episode, job, remediation } = request;
      world.claims.set(troubleKey, { episode, job, remediation: remediation.id, at: world.now });
      entry.remediation = remediation;
      return { kind: 'taken', now: world.now };
    },
    release: async () => {},
    end: async () => false,
    passOn: async () => {},
    reconcile: async () => {},
    hold: async () => false,
    unhold: async () => {},
    holders: async () => ({ count: 0, jobs: [] }),
    held: async () => 0,
  };
}

function whyNot(request: PlaceRequest, world: World, without?: Without): Taken | undefined {
  const { troubleKey, remediation, known, abandoned } = request;
  const latest = without === 'memory' ? undefined : world.memory.get(troubleKey)?.job;
  if (latest !== known) return { kind: 'changed' };
  const claim = world.claims.get(troubleKey);
  if (claim === undefined || claim.remediation === remediation.id) return undefined;
  if (world.now - claim.at < CLAIM_LIFE) return { kind: 'held', reason: 'claimed' };
  const text = JSON.stringify([claim.episode.instant, `${claim.episode.count}`, claim.job]);
  return text === abandoned ? undefined : { kind: 'expired', claim: text };
}
