import { decideOnEpisode, decideOnLaterEpisode } from '@openfero/core/decisions/episodes';
import { whyRefused } from '@openfero/core/decisions/refused';
import { dedupKeyText } from '@openfero/core/identity/trouble';
import type { Look, Memory } from '@openfero/core/redis/memory';
import type { Remediation } from '@openfero/core/redis/remediation';
import { type Attempt, type AttemptResult, end, holdUntil } from './attempt.ts';
import { giveBackFirst, type Known } from './claim.ts';
import { createJob } from './create-job.ts';
import { Ended } from './verdict.ts';

/**
 * How often an attempt starts over because what it had looked at has changed: another Job of its trouble
 * was created, or the Job that had its name was deleted before it could be read. Both are seconds apart.
 */
const MAX_ROUNDS = 5;

/**
 * Creates the Job of an attempt, unless its trouble already has one, a limit holds it, or the API
 * server refuses it.
 *
 * @param found what Redis knew when the attempt was found to be wanted and in time
 */
export async function deduplicate(attempt: Attempt, found: Known): Promise<AttemptResult> {
  const { memory } = attempt.deps;
  let current = attempt;
  let known = found;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const consulted = await consultMemory(current, known);
    if (consulted.kind !== 'create') return consulted;
    current = consulted.attempt;
    await refuseStopped(current, known);
    const created = await createJob(current, known);
    if (created.kind === 'settled') return created.result;
    const { troubleKey, delivery } = current;
    const { alert } = delivery.remediation;
    known = { look: await memory.look(troubleKey, alert, attempt.operarius.name) };
  }
  throw new Error(`other Jobs of its trouble came or went ${MAX_ROUNDS} times meanwhile`);
}

/**
 * Ends what would be run by an operarius that is stopped, and what comes back too often, unless a person
 * wants that. It is not held: whatever waited for days would be run at once in the end.
 *
 * @throws {Ended}
 */
async function refuseStopped(attempt: Attempt, known: Known): Promise<void> {
  const { delivery, operarius } = attempt;
  const { remediation } = delivery;
  const reason = whyRefused({ operarius, remediation, look: known.look });
  if (reason === undefined) return;
  await giveBackFirst(attempt, known);
  throw new Ended('stopped', reason);
}

type Consulted = AttemptResult | { readonly kind: 'create'; readonly attempt: Attempt };

/** Compares the episode with what Redis remembers of its trouble. */
async function consultMemory(attempt: Attempt, known: Known): Promise<Consulted> {
  const { look } = known;
  const { delivery, operarius, episode, began, troubleKey } = attempt;
  const { id, rerun } = delivery.remediation;
  const considered = { id, episode, began, isRerun: rerun !== undefined };
  const decision = decideOnEpisode(considered, look.memory, operarius.policy, look.now);
  switch (decision.kind) {
    case 'create':
      return { kind: 'create', attempt };
    case 'created':
      return end('created', operarius.name, 'an earlier attempt created it', { job: decision.job });
    case 'deduplicated':
      await attempt.deps.memory.touch(troubleKey);
      return end('deduplicated', operarius.name, decision.reason, { job: decision.job });
    case 'later':
      return (
        (await consultRememberedJob(attempt, decision.memory, look)) ?? { kind: 'create', attempt }
      );
    case 'repeat': {
      const { instant, count } = decision.episode;
      const waits = decision.memory && (await consultRememberedJob(attempt, decision.memory, look));
      if (waits !== undefined) return waits;
      // Taken for the name of the episode itself, where nothing is remembered of it.
      await giveBackFirst(attempt, known);
      return { kind: 'create', attempt: await withRepeat(attempt, { episode: instant, count }) };
    }
  }
}

/** Whether the remembered Job stands against a later episode; undefined where it does not. */
async function consultRememberedJob(
  attempt: Attempt,
  memory: Memory,
  look: Look,
): Promise<AttemptResult | undefined> {
  const { deps, operarius, troubleKey } = attempt;
  const job = await deps.cluster.jobs.get(memory.job);
  // Once it is deleted, its name may be another's.
  const remembered = dedupKeyText({ troubleKey, episode: memory.episode });
  const unfinished = job?.dedupKey === remembered && !job.finished;
  const { rerun } = attempt.delivery.remediation;
  // The cooldown slows down alerts that flap, not a person.
  const policy = rerun === undefined ? operarius.policy : { ...operarius.policy, cooldown: 0 };
  const decision = decideOnLaterEpisode(memory, unfinished, policy, look.now);
  switch (decision.kind) {
    case 'create':
      return undefined;
    case 'deduplicated':
      await deps.memory.touch(troubleKey);
      return end('deduplicated', operarius.name, decision.reason, { job: memory.job });
    case 'cooldown':
      return holdUntil(attempt, 'cooldown', decision.until, look.now);
  }
}

/** Stores the repetition in the queue before anything is created, so that every later attempt counts alike. */
async function withRepeat(
  attempt: Attempt,
  repeat: NonNullable<Remediation['repeat']>,
): Promise<Attempt> {
  const remediation = { ...attempt.delivery.remediation, repeat };
  await attempt.delivery.save(remediation);
  return {
    ...attempt,
    delivery: { ...attempt.delivery, remediation },
    episode: { instant: repeat.episode, count: repeat.count },
  };
}
