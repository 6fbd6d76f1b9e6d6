import { wasActedOn } from '../decisions/after-firing.ts';
import { decideOnEpisode, decideOnLaterEpisode } from '../decisions/episodes.ts';
import type { Found, OperariusRegistry } from '../decisions/registry.ts';
import { whyTooOften } from '../decisions/repeats.ts';
import { tooLate } from '../decisions/timeliness.ts';
import { WANTED_STEPS } from '../decisions/wanted.ts';
import { formatDuration } from '../duration.ts';
import { beganAt, firingTroubleOf, type Trouble, troubleOf } from '../identity/trouble.ts';
import type { JobManifest } from '../kubernetes.ts';
import { InvalidOperarius, type Operarius } from '../operarius/operarius.ts';
import type { End, HeldReason } from '../outcome.ts';
import type { Memory } from '../redis/memory.ts';
import type { Remediation } from '../redis/remediation.ts';
import type { State } from '../redis/states.ts';
import { type JobSettings, renderJob } from '../render/render-job.ts';

/** What bears on a remediation besides its alert: Redis and the cluster, real or simulated. */
export interface Facts {
  readonly registry: OperariusRegistry;
  readonly settings: JobSettings & { readonly maxActiveJobs: number };
  /** Milliseconds. */
  readonly now: number;
  /** The latest received state of the alert. */
  readonly state: State | undefined;
  /** The latest Job of a trouble. */
  readonly memoryOf: (troubleKey: string) => Memory | undefined;
  /** When its latest Jobs were created, milliseconds. */
  readonly creationsOf: (troubleKey: string) => readonly number[];
  /** Whether the Job that is remembered exists and has not ended. */
  readonly isUnfinished: (memory: Memory, troubleKey: string) => boolean;
  /** Unfinished Jobs, of one operarius or of all. */
  readonly countUnfinished: (operarius?: string) => number;
}

/** One step, and what it found. */
export interface Step {
  readonly name: StepName;
  readonly result: 'passes' | 'ends' | 'holds';
  /** In one sentence. */
  readonly reason: string;
}

/** In the order in which they are walked. */
type StepName =
  | 'operarius'
  | 'mode'
  | 'own job'
  | 'match'
  | 'after firing'
  | 'age'
  | 'episode'
  | 'repeats'
  | 'manifest'
  | 'limits'
  | 'job';

/** What becomes of a remediation now. */
export type Decision =
  | {
      readonly kind: 'end';
      readonly outcome: End;
      readonly reason: string;
      /** With `created` and `dry-run`. */
      readonly manifest?: JobManifest;
      /** With `created`: whose Job it is from now on. */
      readonly trouble?: Trouble;
      /** The Job that stands for it. */
      readonly job?: string;
    }
  | {
      readonly kind: 'hold';
      readonly reason: HeldReason;
      readonly text: string;
      /** Milliseconds. */
      readonly until: number;
    };

export interface Decided {
  /** The ConfigMap's name; empty where there is none. */
  readonly operarius: string;
  readonly steps: readonly Step[];
  readonly decision: Decision;
}

/** Milliseconds until a remediation without a place is tried again, as the worker does. */
const PLACE_RETRY = 15_000;

/**
 * Decides about a remediation as the worker does, step by step, with the same functions and in the same
 * order; test/model holds it against the worker. It does nothing: what is decided is the caller's to do.
 */
export function decide(remediation: Remediation, facts: Facts): Decided {
  const { alert } = remediation;
  const steps: Step[] = [];
  const walk = new Walk(steps);
  const operarius = findOperarius(remediation, facts, walk);
  const name = operarius?.name ?? facts.registry.nameFor(alert);
  if (operarius !== undefined) {
    const attempt = { remediation, operarius, facts, walk };
    for (const part of [wanted, afterFiring, inTime, create])
      if (walk.decision === undefined) part(attempt);
  }
  const decision = walk.decision ?? { kind: 'end', outcome: 'unreadable', reason: '' };
  return { operarius: name, steps, decision };
}

/** The steps so far. After the one that decided, all others do nothing. */
class Walk {
  readonly #steps: Step[];
  decision: Decision | undefined;

  constructor(steps: Step[]) {
    this.#steps = steps;
  }

  passes(name: StepName, reason: string): void {
    this.#steps.push({ name, result: 'passes', reason });
  }

  decides(name: StepName, decision: Decision): void {
    const ends = decision.kind === 'end';
    const reason = ends ? decision.reason : decision.text;
    this.#steps.push({ name, result: ends ? 'ends' : 'holds', reason });
    this.decision = decision;
  }

  /** Ends as `invalid-operarius` where it throws that. */
  reads<T>(name: StepName, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof InvalidOperarius)) throw error;
      this.decides(name, { kind: 'end', outcome: 'invalid-operarius', reason: error.message });
      return undefined;
    }
  }
}

interface Attempt {
  readonly remediation: Remediation;
  readonly operarius: Operarius;
  readonly facts: Facts;
  readonly walk: Walk;
}

function findOperarius(
  { alert }: Remediation,
  { registry }: Facts,
  walk: Walk,
): Operarius | undefined {
  const found = walk.reads('operarius', () => registry.find(alert));
  if (found === undefined) return undefined;
  if (found.operarius === undefined) {
    walk.decides('operarius', { kind: 'end', outcome: 'no-operarius', reason: found.reason });
    return undefined;
  }
  const { namespace, name } = found.operarius;
  walk.passes('operarius', `ConfigMap ${namespace}/${name}`);
  return found.operarius;
}

function wanted({ remediation: { alert }, operarius, facts, walk }: Attempt): void {
  const { registry, settings } = facts;
  const { jobNamespace } = settings;
  for (const step of WANTED_STEPS) {
    const result = step.decide({ alert, operarius, registry, jobNamespace });
    if (result.kind === 'ends') {
      walk.decides(step.name, { ...result, kind: 'end' });
      return;
    }
    walk.passes(step.name, result.reason);
  }
}

/** There is nothing to undo where no Job was created while the alert fired. */
function afterFiring({ remediation, operarius, facts, walk }: Attempt): void {
  const { alert } = remediation;
  if (!operarius.policy.onlyAfterFiring || alert.status === 'firing') return;
  const status = 'firing' as const;
  const firing = walk.reads('after firing', () => facts.registry.find({ ...alert, status }));
  if (firing === undefined) return;
  const why = whyNothingDone(remediation, firing, facts);
  if (why === undefined) walk.passes('after firing', 'a Job was created while the alert fired');
  else
    walk.decides('after firing', {
      kind: 'end',
      outcome: 'not-matched',
      reason: `only-after-firing: ${why}`,
    });
}

function whyNothingDone(
  remediation: Remediation,
  firing: Found,
  { memoryOf, creationsOf }: Facts,
): string | undefined {
  if (firing.operarius === undefined) return firing.reason;
  const { troubleKey } = firingTroubleOf(remediation, firing.operarius);
  const look = { memory: memoryOf(troubleKey), creations: creationsOf(troubleKey) };
  if (wasActedOn(remediation.alert, look)) return undefined;
  return `ConfigMap ${firing.operarius.name} created no Job while this alert fired`;
}

function inTime({ remediation, operarius: { policy }, facts, walk }: Attempt): void {
  const late = tooLate(remediation, policy, facts.state, facts.now);
  if (late !== undefined) walk.decides('age', { ...late, kind: 'end' });
  else walk.passes('age', `it is younger than max-age ${formatDuration(policy.maxAge)}`);
}

function create(attempt: Attempt): void {
  const { remediation, operarius, facts, walk } = attempt;
  if (facts.registry.modeOf(operarius) === 'dry-run') {
    const manifest = rendered(attempt, troubleOf(remediation, operarius));
    if (manifest === undefined) return;
    const reason = `would create Job ${manifest.metadata.name}`;
    walk.decides('job', { kind: 'end', outcome: 'dry-run', reason, manifest });
    return;
  }
  const trouble = consult(attempt);
  if (trouble === undefined || isTooOften(attempt, trouble)) return;
  const manifest = rendered(attempt, trouble);
  if (manifest === undefined || isFull(attempt)) return;
  const job = manifest.metadata.name;
  walk.decides('job', {
    ...{ kind: 'end', outcome: 'created', reason: `creates Job ${job}` },
    ...{ manifest, trouble, job },
  });
}

/** What the latest Job of the trouble says. @returns the episode that a Job is created for, if one is */
function consult(attempt: Attempt): Trouble | undefined {
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

function isTooOften(
  { remediation, operarius, facts, walk }: Attempt,
  { troubleKey }: Trouble,
): boolean {
  if (remediation.retriedAt !== undefined) return false;
  const look = { creations: facts.creationsOf(troubleKey), now: facts.now };
  const reason = whyTooOften(look, operarius.policy);
  if (reason === undefined) return false;
  walk.decides('repeats', { kind: 'end', outcome: 'stopped', reason });
  return true;
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

function rendered(
  { remediation, operarius, facts, walk }: Attempt,
  trouble: Trouble,
): JobManifest | undefined {
  const identity = { ...trouble, n: 0 };
  const found = walk.reads('manifest', () =>
    renderJob({ operarius, remediation, identity }, facts.settings),
  );
  if (found === undefined) return undefined;
  const { job, warnings } = found;
  const warned = warnings.length === 0 ? '' : `; warnings: ${warnings.join('; ')}`;
  walk.passes('manifest', `it renders Job ${job.metadata.name}${warned}`);
  return job;
}

/** The limit of the operarius counts before the one over all. */
function isFull({ operarius: { name, policy }, facts, walk }: Attempt): boolean {
  const { settings, countUnfinished, now } = facts;
  const { maxActiveJobs } = settings;
  const until = now + PLACE_RETRY;
  const own = countUnfinished(name);
  const all = countUnfinished();
  if (policy.maxActive > 0 && own >= policy.maxActive) {
    const text = `max-active is ${policy.maxActive}, and ${own} of its Jobs have not ended`;
    walk.decides('limits', { kind: 'hold', reason: 'max-active', until, text });
    return true;
  }
  if (maxActiveJobs > 0 && all >= maxActiveJobs) {
    const text = `OPENFERO_MAX_ACTIVE_JOBS is ${maxActiveJobs}, and ${all} Jobs have not ended`;
    walk.decides('limits', { kind: 'hold', reason: 'max-active-jobs', until, text });
    return true;
  }
  walk.passes('limits', `${own} of its Jobs and ${all} of all have not ended`);
  return false;
}
