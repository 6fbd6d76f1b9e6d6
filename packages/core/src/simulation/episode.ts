import { decideOnEpisode, decideOnLaterEpisode } from '../decisions/episodes.ts';
import { formatDuration } from '../duration.ts';
import { beganAt, type Trouble, troubleOf } from '../identity/trouble.ts';
import type { Memory } from '../redis/memory.ts';
import type { Attempt } from './attempt.ts';

/** What the latest Job of the trouble says. @returns the episode that a Job is created for, if one is */
export function consult(attempt: Attempt): Trouble | undefined {
  const { remediation, operarius, facts, walk } = attempt;
  const { troubleKey, episode } = troubleOf(remediation, operarius);
  const began = beganAt(remediation, operarius.policy.dedupBy);
  const memory = facts.memoryOf(troubleKey);
  const considered = { id: remediation.id, episode, began };
  const decision = decideOnEpisode(considered, memory, operarius.policy, facts.now);
  switch (decision.kind) {
    case 'create':
      walk.passes('episode', 'the problem has no Job yet');
      return { troubleKey, episode };
    case 'created':
      walk.decides('episode', {
        ...{ kind: 'end', outcome: 'created', job: decision.job },
        reason: 'an earlier attempt created it',
      });
      return undefined;
    case 'deduplicated':
      walk.decides('episode', { ...decision, kind: 'end', outcome: 'deduplicated' });
      return undefined;
    case 'later':
      return later(attempt, decision.memory, { troubleKey, episode });
    case 'repeat': {
      const repeated = { troubleKey, episode: decision.episode };
      return decision.memory === undefined ? repeated : later(attempt, decision.memory, repeated);
    }
  }
}

function later(
  { operarius: { policy }, facts, walk }: Attempt,
  memory: Memory,
  trouble: Trouble,
): Trouble | undefined {
  const unfinished = facts.isUnfinished(memory, trouble.troubleKey);
  const decision = decideOnLaterEpisode(memory, unfinished, policy, facts.now);
  switch (decision.kind) {
    case 'create':
      walk.passes('episode', `Job ${memory.job} has ended, and its cooldown is over`);
      return trouble;
    case 'deduplicated':
      walk.decides('episode', {
        ...{ kind: 'end', outcome: 'deduplicated', job: memory.job },
        reason: decision.reason,
      });
      return undefined;
    case 'cooldown': {
      const wait = formatDuration(decision.until - facts.now);
      const text = `the cooldown after Job ${memory.job} is over in ${wait}`;
      walk.decides('episode', { kind: 'hold', reason: 'cooldown', until: decision.until, text });
      return undefined;
    }
  }
}
