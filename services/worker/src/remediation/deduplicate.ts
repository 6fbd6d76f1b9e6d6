import { afterwards, decide } from '@openfero/core/decisions/episodes';
import { dedupKeyText } from '@openfero/core/identity/trouble';
import type { Look, Memory } from '@openfero/core/redis/memory';
import type { Remediation } from '@openfero/core/redis/remediation';
import { type Attempt, end, type Step } from './attempt.ts';
import { runJob } from './create-job.ts';

/**
 * Creates the Job of an attempt, unless the memory, a limit or the API server says otherwise.
 *
 * @param look what Redis knew when the attempt was found to be wanted and in time
 */
export async function createJob(attempt: Attempt, look: Look): Promise<Step> {
  const { delivery, operarius, episode, k } = attempt;
  const { id } = delivery.remediation;
  const decision = decide({ id, episode }, look.memory, operarius.policy, look.now);
  switch (decision.kind) {
    case 'create':
      return create(attempt, look);
    case 'created':
      return end('created', operarius.name, 'an earlier attempt created it', { job: decision.job });
    case 'deduplicated':
      await attempt.deps.memories.touch(k);
      return end('deduplicated', operarius.name, 'this episode has its Job already', {
        job: decision.job,
      });
    case 'later':
      return (await notYet(attempt, decision.memory, look)) ?? create(attempt, look);
    case 'repeat': {
      const { instant, count } = decision.episode;
      const wait = await notYet(attempt, decision.memory, look);
      return wait ?? create(await repeating(attempt, { episode: instant, count }), look);
    }
  }
}

/** What the remembered Job has to say about a later episode; undefined lets it run. */
async function notYet(attempt: Attempt, memory: Memory, look: Look): Promise<Step | undefined> {
  const { delivery, deps, operarius } = attempt;
  const job = await deps.cluster.jobs.get(memory.job);
  // Once it is gone its name may be another's.
  const remembered = dedupKeyText({ k: attempt.k, episode: memory.episode });
  const unfinished = job?.dedupKey === remembered && !job.finished;
  const then = afterwards(memory, unfinished, operarius.policy, look.now);
  switch (then.kind) {
    case 'create':
      return undefined;
    case 'deduplicated':
      await deps.memories.touch(attempt.k);
      return end('deduplicated', operarius.name, then.reason, { job: memory.job });
    case 'cooldown': {
      const { remediation } = delivery;
      const cooled = (remediation.cooled ?? 0) + then.until - look.now;
      return {
        kind: 'hold',
        reason: 'cooldown',
        until: then.until,
        remediation: { ...remediation, cooled },
      };
    }
  }
}

/** Counts a repetition, in the queue before anything is created: every later attempt counts alike. */
async function repeating(
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

/** Until the API server has answered what became of the episode. */
async function create(attempt: Attempt, look: Look): Promise<Step> {
  const step = await runJob(attempt, look.now);
  if (step !== 'gone') return step;
  // The Job in our way went away while we read it: what is remembered may have changed since.
  const { memories } = attempt.deps;
  return createJob(attempt, await memories.look(attempt.k, attempt.delivery.remediation.alert));
}
