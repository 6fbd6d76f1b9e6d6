import { CLAIM_LIFE, type Claim, type Look } from '@openfero/core/redis/memory';
import type { EpisodeMemory, NewMemory } from '../../src/redis/memory.ts';
import type { Places } from '../../src/redis/places.ts';
import type { PlaceRequest, PlannedJob, Taken } from '../../src/redis/take-place.ts';
import { type Entry, owns } from './queue.ts';
import type { Send, Without, World } from './world.ts';

/** Redis' memory and states, each call at one instant as its scripts are. */
export function memoriesOf(world: World, send: Send, without?: Without): EpisodeMemory {
  return {
    look: (k, { fingerprint }) => send(() => lookAt(world, k, fingerprint, without)),
    state: ({ fingerprint }) => send(() => world.states.get(fingerprint)),
    remember: (k, job) => send(() => rememberAt(world, k, job, without)),
    // Only `only-after-firing` asks for it, and the model has no operarius with that.
    claim: async () => undefined,
    async touch() {},
    now: async () => world.now,
  };
}

function rememberAt(
  world: World,
  k: string,
  { createdAt = world.now, ...memory }: NewMemory,
  without?: Without,
): void {
  if (isClaimOf(world.claims.get(k), memory.episode)) world.claims.delete(k);
  const latest = world.memory.get(k)?.createdAt ?? 0;
  const isOld = world.remembered.has(memory.job) || latest > createdAt;
  world.remembered.add(memory.job);
  if (isOld && without !== 'order of the memory') return;
  world.memory.set(k, { ...memory, createdAt });
}

function lookAt(world: World, k: string, fingerprint: string, without?: Without): Look {
  const memory = without === 'memory' ? undefined : world.memory.get(k);
  // Without the cover what began before a Job was created counts as a later episode.
  const seen = memory && without === 'cover' ? { ...memory, createdAfter: 0 } : memory;
  const state = world.states.get(fingerprint);
  // Without creations `max-repeats` stops nothing: the model is about one Job for each episode.
  return {
    memory: seen,
    stopped: undefined,
    creations: [],
    known: memory?.job ?? '',
    state,
    now: world.now,
  };
}

const isClaimOf = (claim: Claim | undefined, { instant, count }: Claim['episode']): boolean =>
  claim?.episode.instant === instant && claim.episode.count === count;

/** The claims, the targets and the window of max-runs: the other places are tested by themselves. */
export function claimsOf(
  world: World,
  { entry, token }: { readonly entry: Entry; readonly token: number },
  { send, without }: { readonly send: Send; readonly without?: Without | undefined },
): Places {
  const isLost = (): boolean => !owns(entry, token, world.now) && without !== 'lock check';
  const takeNow = (request: PlaceRequest): { taken: Taken; look: Look } => {
    const { troubleKey, episode, job, remediation } = request;
    const look = lookAt(world, troubleKey, remediation.alert.fingerprint, without);
    const refusal = isLost()
      ? { kind: 'lost' as const }
      : (whyNot(request, look, world, without) ?? whyHeld(request, world, without));
    if (refusal !== undefined) return { taken: refusal, look };
    world.claims.set(troubleKey, { episode, job, remediation: remediation.id, at: world.now });
    world.places.set(job, { at: world.now, remediation: remediation.id });
    if (request.target !== undefined) world.targets.set(request.target, job);
    entry.job = job;
    return { taken: { kind: 'taken' }, look };
  };
  const giveBackNow = ({ troubleKey, job, remediation }: PlannedJob): void => {
    if (isLost()) return;
    if (world.claims.get(troubleKey)?.remediation === remediation.id) {
      world.claims.delete(troubleKey);
    }
    freeTarget(world, job);
    world.places.delete(job);
  };
  return {
    take: (request) => send(() => takeNow(request)),
    keptJob: async () => entry.job,
    release: ({ name }) => send(() => freeTarget(world, name)),
    giveBack: (planned) => send(() => giveBackNow(planned)),
    end: async () => ({ first: false, row: 0 }),
    passOn: async () => {},
    appendHeld: async () => undefined,
    reconcile: async () => true,
    holderOf: async () => ({ kind: 'free' }),
    hold: async () => false,
    unhold: async () => {},
    holders: async () => ({ count: 0, jobs: [] }),
    countHeld: async () => new Map(),
  };
}

function whyNot(
  { troubleKey, remediation, known, abandoned }: PlaceRequest,
  look: Look,
  world: World,
  without?: Without,
): Taken | undefined {
  // Without the claim the look is a step of its own: what it has seen may be old by now.
  if (without === 'claim')
    return known === '' && look.known !== '' ? { kind: 'changed' } : undefined;
  if (look.known !== known) return { kind: 'changed' };
  const claim = world.claims.get(troubleKey);
  if (claim === undefined || claim.remediation === remediation.id) return undefined;
  if (world.now - claim.at < CLAIM_LIFE) return { kind: 'held', reason: 'claimed' };
  const text = JSON.stringify([claim.episode.instant, `${claim.episode.count}`, claim.job]);
  return text === abandoned ? undefined : { kind: 'expired', claim: text };
}

function whyHeld(
  { job, target, maxRuns }: PlaceRequest,
  { now, places, targets }: World,
  without?: Without,
): Taken | undefined {
  if (maxRuns !== 'none' && without !== 'window') {
    const others = [...places].filter(
      ([name, { at }]) => name !== job && at > now - maxRuns.within,
    );
    if (others.length >= maxRuns.count) return { kind: 'held', reason: 'max-runs' };
  }
  const holder = target === undefined || without === 'target' ? undefined : targets.get(target);
  return holder === undefined || holder === job ? undefined : { kind: 'held', reason: 'target' };
}

/** Frees what a Job works on. */
export function freeTarget({ targets }: World, job: string): void {
  for (const [target, holder] of targets) if (holder === job) targets.delete(target);
}

/** What a reconciliation does: frees what was taken for Jobs that do not exist, and that nobody will create. */
export function correctTargets(world: World, isEnded: (remediation: string) => boolean): void {
  const running = new Set(
    [...world.jobs.values()].flatMap((job) => (job.finished ? [] : job.name)),
  );
  for (const job of world.targets.values()) {
    const owner = world.places.get(job)?.remediation;
    if (!running.has(job) && (owner === undefined || isEnded(owner))) freeTarget(world, job);
  }
}
